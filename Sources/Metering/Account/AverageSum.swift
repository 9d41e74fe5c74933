import Core

/// The energy of a gauge that averages over a known time w: each reading is a rectangle over the time since the one before, seen half a
/// period late. The reading that an edge cuts is split by the power on its other side, or replaced by that of its neighbour inside,
/// whichever has to stand for less time.
struct AverageSum {
    private let averaging: Int64
    /// The mean age of a reading beyond its averaging time.
    private let delay: Int64
    private let longestSilence: Int64

    /// No two times are closer than this, in nanoseconds.
    private static let shortest = 50_000.0

    private struct Piece {
        var from: MonotonicTime
        var to: MonotonicTime
        var power: Double
        var length: Double { Double(to - from) }
    }

    /// A piece that an edge cuts, with its neighbours.
    private struct Cut {
        var piece: Piece
        var before: Double?
        var after: Double?
    }

    private var lastPiece: Piece?
    private var found = GaugeSum()
    private var startCut: Cut?
    private var endCut: Cut?
    /// The last one that lies wholly in the window.
    private var lastInside: Piece?
    /// The power of the first.
    private var firstInside: Double?
    private var reachesEnd = false

    init(averaging: Int64, delay: Int64, longestSilence: Int64) {
        self.averaging = averaging
        self.delay = delay
        self.longestSilence = longestSilence
    }

    mutating func record(
        _ power: Double, at time: MonotonicTime, isSilence: Bool, start: MonotonicTime?, end: MonotonicTime?
    ) {
        let to = time.advanced(byNanoseconds: -delay)
        var from = to.advanced(byNanoseconds: -averaging)
        let previous = isSilence ? nil : lastPiece
        if let previous { from = previous.to }
        if let last = lastPiece, isSilence { from = max(from, last.to) }
        guard to > from else { return }
        let piece = Piece(from: from, to: to, power: power)
        defer { lastPiece = piece }
        if startCut != nil, startCut?.after == nil, previous != nil { startCut?.after = power }
        if endCut != nil, endCut?.after == nil, previous != nil { endCut?.after = power }
        guard let start, piece.to > start else { return }
        if piece.from < start {
            startCut = Cut(piece: piece, before: previous?.power)
            if let end, piece.to >= end { reachesEnd = true }
            return
        }
        if let end, piece.to > end {
            if piece.from < end, endCut == nil { endCut = Cut(piece: piece, before: previous?.power) }
            reachesEnd = true
            return
        }
        found.microjoules += power * piece.length / 1e9
        // It was read so much earlier or later than its averaging time after the one before, which counts where the power changes.
        if let previous {
            let doubt = (power - previous.power) * max(abs(piece.length - Double(averaging)), Self.shortest) / 1e9
            found.variance += doubt * doubt
        }
        found.coveredNanoseconds += piece.to - piece.from
        if firstInside == nil { firstInside = power }
        lastInside = piece
    }

    /// Whether the average that the end cuts is known, and what is needed to split it.
    func isSettled(at end: MonotonicTime) -> Bool {
        guard reachesEnd || (lastPiece?.to).map({ $0 >= end }) == true else { return false }
        guard let cut = endCut else { return true }
        return cut.after != nil || cut.piece.to - end >= end - cut.piece.from
    }

    /// - Returns: `nil` where there is no reading of the window.
    func sum(_ window: Window) -> GaugeSum? {
        var sum = found
        var (startPower, endPower): (Double?, Double?) = (nil, nil)
        if let cut = startCut {
            let inside = min(cut.piece.to, window.end) - window.start
            if cut.piece.to > window.end {
                // A window shorter than one average.
                sum.microjoules += cut.piece.power * Double(inside) / 1e9
            } else {
                startPower = add(
                    &sum, cut, outside: cut.piece.length - Double(inside), other: cut.before, neighbour: cut.after)
            }
            sum.coveredNanoseconds += inside
        }
        if let cut = endCut {
            let inside = window.end - cut.piece.from
            endPower = add(
                &sum, cut, outside: cut.piece.length - Double(inside), other: cut.after, neighbour: cut.before)
            sum.coveredNanoseconds += inside
        } else if let last = lastInside ?? startCut?.piece, last.to < window.end, window.end - last.to <= longestSilence
        {
            // The next one did not come in time: the last holds for as long as it would have.
            let held = window.end - last.to
            sum.microjoules += last.power * Double(held) / 1e9
            sum.coveredNanoseconds += held
            let doubt = last.power * Double(held) / 1e9
            sum.variance += doubt * doubt / 12
        }
        // All readings are late by the same time of up to twice the delay: what it moves over one edge comes back over the other, as far
        // as the powers that stood for the two are the same.
        let shift = ((endPower ?? lastInside?.power ?? 0) - (startPower ?? firstInside ?? 0)) * 2 * Double(delay) / 1e9
        sum.variance += shift * shift / 12
        return sum.coveredNanoseconds > 0 ? sum : nil
    }

    /// Adds the part of a cut piece that lies inside the window.
    ///
    /// - Returns: the power that stood for a part of it.
    private func add(
        _ sum: inout GaugeSum, _ cut: Cut, outside: Double, other: Double?, neighbour: Double?
    ) -> Double {
        let (whole, inside) = (cut.piece.power * cut.piece.length, cut.piece.length - outside)
        let (energy, power): (Double, Double)
        if outside <= inside, let other {
            (energy, power) = (min(max(0, whole - other * outside), whole), other)
        } else if let neighbour {
            (energy, power) = (neighbour * inside, neighbour)
        } else {
            (energy, power) = (cut.piece.power * inside, cut.piece.power)
        }
        sum.microjoules += energy / 1e9
        // Where in the time of the average the power changed nobody knows.
        let around = [cut.piece.power, other, neighbour].compactMap(\.self)
        let range = (around.max() ?? 0) - (around.min() ?? 0)
        let stood = range * (min(outside, inside) + Double(delay)) / 1e9
        sum.variance += stood * stood / 3
        return power
    }
}
