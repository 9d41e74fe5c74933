import Core
import Foundation

/// How sums are kept in the record: numbers of 64 bits, little-endian, in the order below; then what has a name, by the number of its
/// name. A table is made of some tens of thousands of them, and to read as many columns or JSON would take ten times as long.
extension RunSums {
    /// What is changed when the order is: sums of another version are made anew.
    static let version: UInt64 = 1

    private enum Kind: UInt64 {
        case flag, leftOut, version, scope, pair
    }

    /// - Parameter number: that of a name.
    func bytes(_ number: (String) throws -> Int64) rethrows -> Data {
        var words: [UInt64] = [Self.version]
        words.reserveCapacity(64)
        func put(_ values: Double...) { for value in values { words.append(value.bitPattern) } }
        words.append(UInt64(bitPattern: firstRun))
        words.append(UInt64(bitPattern: lastRun))
        put(
            series.moments.count, series.moments.mean, series.moments.squares, series.least, series.most, series.first,
            series.last, series.neighbours, series.trend)
        put(gross, nets.count, nets.mean, nets.squares, sessions.count, sessions.mean, sessions.squares)
        words.append(sessionSet)
        put(squaredRuns, fewestRuns, mostRuns, variation, variationDegrees, drifts, correlations)
        put(accuracy, common, idle, idleRounding, idleDegrees, staleEdges)
        put(joules, seconds, completed, failed, failedRuns, operations.count, operations.total)
        put(latency.count, latency.total, hidden, netJoules, firstTime, lastTime)
        put(coverage, fewestInferences, mostInferences, shortestBaseline, longestBaseline)
        func name(_ kind: Kind, _ name: String, _ values: Double...) throws {
            words.append(kind.rawValue)
            words.append(UInt64(bitPattern: try number(name)))
            for value in values { words.append(value.bitPattern) }
        }
        // In an order that is always the same, so that equal sums are equal bytes.
        for (flag, count) in flags.sorted(by: { $0.key < $1.key }) { try name(.flag, flag, Double(count)) }
        for (reason, count) in leftOut.sorted(by: { $0.key < $1.key }) { try name(.leftOut, reason, Double(count)) }
        for version in versions.sorted() { try name(.version, version) }
        for (scope, sum) in otherScopes.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            try name(.scope, scope.rawValue, sum.count, sum.total)
        }
        for (scopes, pair) in reconciliations.sorted(by: { $0.key.name < $1.key.name }) {
            try name(
                .pair, scopes.name, pair.residual, pair.readingVariance, pair.outerAccuracy, pair.innerAccuracy,
                pair.outerEnergy)
        }
        return words.map(\.littleEndian).withUnsafeBytes { Data($0) }
    }

    /// - Parameter names: by their numbers.
    /// - Returns: `nil` of what are no sums, or those of another version.
    init?(bytes: Data, names: [Int64: String]) {
        guard let sums = bytes.withUnsafeBytes({ Self(words: Words(bytes: $0), names) }) else { return nil }
        self = sums
    }

    private init?(words: consuming Words, _ names: [Int64: String]) {
        guard words.areWhole, words.count >= Self.fixedWords else { return nil }
        guard words.next() == Self.version else { return nil }
        self.init()
        firstRun = Int64(bitPattern: words.next())
        lastRun = Int64(bitPattern: words.next())
        series.moments.count = words.number()
        series.moments.mean = words.number()
        series.moments.squares = words.number()
        series.least = words.number()
        series.most = words.number()
        series.first = words.number()
        series.last = words.number()
        series.neighbours = words.number()
        series.trend = words.number()
        gross = words.number()
        nets.count = words.number()
        nets.mean = words.number()
        nets.squares = words.number()
        sessions.count = words.number()
        sessions.mean = words.number()
        sessions.squares = words.number()
        sessionSet = words.next()
        squaredRuns = words.number()
        fewestRuns = words.number()
        mostRuns = words.number()
        variation = words.number()
        variationDegrees = words.number()
        drifts = words.number()
        correlations = words.number()
        accuracy = words.number()
        common = words.number()
        idle = words.number()
        idleRounding = words.number()
        idleDegrees = words.number()
        staleEdges = words.number()
        joules = words.number()
        seconds = words.number()
        completed = words.number()
        failed = words.number()
        failedRuns = words.number()
        operations = Sum(count: words.number(), total: words.number())
        latency = Sum(count: words.number(), total: words.number())
        hidden = words.number()
        netJoules = words.number()
        firstTime = words.number()
        lastTime = words.number()
        coverage = words.number()
        fewestInferences = words.number()
        mostInferences = words.number()
        shortestBaseline = words.number()
        longestBaseline = words.number()
        while words.hasMore {
            guard let kind = Kind(rawValue: words.next()), let name = names[Int64(bitPattern: words.next())] else {
                return nil
            }
            switch kind {
            case .flag: flags[name] = Int(saturating: words.number())
            case .leftOut: leftOut[name] = Int(saturating: words.number())
            case .version: versions.insert(name)
            case .scope:
                guard let scope = TotalScope(rawValue: name) else { return nil }
                otherScopes[scope] = Sum(count: words.number(), total: words.number())
            case .pair:
                guard let scopes = ScopePair(name: name) else { return nil }
                reconciliations[scopes] = Pair(
                    residual: words.number(), readingVariance: words.number(), outerAccuracy: words.number(),
                    innerAccuracy: words.number(), outerEnergy: words.number())
            }
        }
        guard !words.isShort else { return nil }
    }

    /// What is often all that is asked for.
    struct Head {
        var firstRun: Int64
        var lastRun: Int64
        var count: Double
        var mean: Double

        /// - Throws: `RecordSums.Damage` for what are no sums, or those of another version.
        init(bytes: Data) throws(RecordSums.Damage) {
            guard let head = bytes.withUnsafeBytes({ Self(words: Words(bytes: $0)) }) else {
                throw RecordSums.Damage()
            }
            self = head
        }

        private init?(words: consuming Words) {
            guard words.next() == RunSums.version else { return nil }
            firstRun = Int64(bitPattern: words.next())
            lastRun = Int64(bitPattern: words.next())
            count = words.number()
            mean = words.number()
            if words.isShort { return nil }
        }
    }

    /// The words of sums without a name in them.
    private static let fixedWords = RunSums().bytes { _ in 0 }.count / 8
}

extension RunSums.ScopePair {
    var name: String { "\(outer.rawValue) \(inner.rawValue)" }

    init?(name: String) {
        let scopes = name.split(separator: " ").compactMap { TotalScope(rawValue: String($0)) }
        guard scopes.count == 2, let outer = scopes.first, let inner = scopes.last else { return nil }
        self.init(outer: outer, inner: inner)
    }
}

/// Numbers of 64 bits one after the other.
private struct Words {
    private let bytes: UnsafeRawBufferPointer
    private var place = 0
    /// Whether more was asked for than there is.
    private(set) var isShort = false

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var count: Int { bytes.count / 8 }
    var areWhole: Bool { bytes.count.isMultiple(of: 8) }
    var hasMore: Bool { !isShort && place < bytes.count }

    mutating func next() -> UInt64 {
        guard place + 8 <= bytes.count else {
            isShort = true
            return 0
        }
        defer { place += 8 }
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }

    mutating func number() -> Double { Double(bitPattern: next()) }
}
