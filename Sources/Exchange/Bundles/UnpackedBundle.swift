import Core
import Digests
import Foundation
import Glibc
import Synchronization

/// A bundle, unpacked into a directory of its own, with nothing read of it yet but the manifest.
///
/// Only plain files that the manifest names, with the sizes that it names, come out of the archive; nothing in it can name
/// a place outside of the directory.
final class UnpackedBundle: Sendable {
    let file: String
    let manifest: BundleManifest
    /// Of the bundle itself.
    let sha256: String
    /// Files whose contents are not those of the manifest.
    let altered: [String]
    private let scratch: ScratchDirectory
    let bounds: BundleBounds

    /// - Parameter name: of the file as the user gave it, where it is not read from there.
    /// - Throws: `BundleError` for what is no bundle, is cut short, or holds what no bundle does.
    init(_ path: String, named name: String? = nil, bounds: BundleBounds = .standard) async throws {
        let file = name ?? path
        self.file = file
        self.bounds = bounds
        sha256 = try Self.checkKind(path, named: name ?? path)
        scratch = try ScratchDirectory()
        let size = Int64((try? FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber)?.int64Value ?? 0)
        let state = Mutex(
            (
                TarReader(endBlocks: bounds.endBlocks),
                Unpacker(directory: scratch.path, packedBytes: size, bounds: bounds)
            ))
        do {
            try await ArchiveTools.unpack(path) { bytes in
                try state.withLock { state in try state.0.feed(bytes, &state.1) }
            }
        } catch let error as BundleError {
            throw BundleError("\(file): \(error)", cause: error.cause)
        }
        (manifest, altered) = try state.withLock { state in
            guard let manifest = state.1.manifest else {
                throw BundleError("\(file) is not a bundle of taskwatt: it has no \(BundleFormat.manifest)")
            }
            guard state.0.isAtEnd else { throw BundleError("\(file) is cut short: its archive does not end") }
            if let missing = state.1.missing {
                throw BundleError("\(file): \(missing) is in its manifest and not in it; it may be cut short")
            }
            return (manifest, state.1.altered)
        }
    }

    /// - Returns: the sum of the file.
    private static func checkKind(_ path: String, named file: String) throws -> String {
        let handle: FileHandle
        do throws(BoundedFileError) {
            handle = try BoundedFile.plain(path)
        } catch {
            switch error.kind {
            case .directory:
                throw BundleError(
                    "\(file) is a directory",
                    remedy: "a bundle is a file, such as `taskwatt bundle last -o FILE` writes")
            case .notPlain: throw BundleError("\(file) \(error.reason)")
            case .system(let reason):
                throw BundleError("\(file) cannot be read: \(String(cString: strerror(reason)))", cause: .machine)
            default: throw BundleError("\(file) cannot be read: \(error.reason)")
            }
        }
        defer { try? handle.close() }
        let hash = SHA256()
        var isFirst = true
        while let piece = try? handle.read(upToCount: 1 << 20), !piece.isEmpty {
            // RFC 8878, 3.1.1: the magic number of a frame.
            if isFirst, !piece.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
                throw BundleError("\(file) is not a bundle of taskwatt: it is not compressed by zstd")
            }
            isFirst = false
            hash.update(piece)
        }
        if isFirst { throw BundleError("\(file) is empty") }
        return try hash.finalize().hexadecimal
    }

    // MARK: Its parts

    private func location(_ file: BundleFormat.File, of suite: String) -> String {
        "\(scratch.path)/\(BundleFormat.path(file, of: suite))"
    }

    /// A document's place, for errors.
    func place(_ file: BundleFormat.File, of suite: String) -> String {
        "\(self.file): \(BundleFormat.path(file, of: suite))"
    }

    /// A small file as text; `nil` if it is not there.
    func text(_ file: BundleFormat.File, of suite: String) throws -> String? {
        do throws(BoundedFileError) {
            return try BoundedFile.text(location(file, of: suite), upTo: Int(file.mostBytes))
        } catch {
            guard case .system = error.kind else { throw BundleError("\(place(file, of: suite)) \(error.reason)") }
            return nil
        }
    }

    func required(_ file: BundleFormat.File, of suite: String) throws -> String {
        guard let text = try text(file, of: suite) else { throw BundleError("\(place(file, of: suite)) is missing") }
        return text
    }

    func document<Value: Decodable>(_ type: Value.Type, _ file: BundleFormat.File, of suite: String) throws -> Value {
        try BundleJSON.decode(type, Data(try required(file, of: suite).utf8), place(file, of: suite))
    }

    /// A document of which the record keeps the text.
    func json(_ file: BundleFormat.File, of suite: String) throws -> String {
        try checked(try required(file, of: suite), file, of: suite)
    }

    /// What `doctor` found before the suite; `nil` where nobody asked.
    func preflight(of suite: String) throws -> String? {
        try text(.preflight, of: suite).map { try checked($0, .preflight, of: suite) }
    }

    private func checked(_ text: String, _ file: BundleFormat.File, of suite: String) throws -> String {
        let value = try BundleJSON.decode(JSONValue.self, Data(text.utf8), place(file, of: suite))
        if let problem = file.free?.problem(in: value) { throw BundleError("\(place(file, of: suite)): \(problem)") }
        return text
    }

    func suite(_ uuid: String) throws -> BundledSuite {
        let suite = try document(BundledSuite.self, .suite, of: uuid)
        guard suite.uuid == uuid else {
            throw BundleError("\(place(.suite, of: uuid)): it is the record of another suite, \(suite.uuid)")
        }
        if let problem = suite.outOfBounds { throw BundleError("\(place(.suite, of: uuid)): \(problem)") }
        return suite
    }

    /// The meters, each checked for numbers that no meter can have: sums are made of them.
    func meters(_ uuid: String) throws -> [MeterDescription] {
        let meters = try document([MeterDescription].self, .meters, of: uuid)
        guard meters.count <= bounds.meters else {
            throw BundleError(
                "\(place(.meters, of: uuid)): it describes \(meters.count) meters, and \(bounds.meters) are the most")
        }
        for meter in meters {
            if let problem = meter.outOfBounds {
                throw BundleError("\(place(.meters, of: uuid)): \(problem) of \(meter.id.prefix(100))")
            }
        }
        return meters
    }

    /// The runs, each checked for numbers that no run can have.
    ///
    /// - Parameter each: sees every line, its run and its number, from 1.
    func runs(
        _ uuid: String, each: (Data, RunRecord, Int) throws -> Void = { _, _, _ in }
    ) throws -> [RunRecord] {
        var reader = try LineReader(
            location(.runs, of: uuid), path: place(.runs, of: uuid), mostBytes: bounds.runBytes)
        var runs: [RunRecord] = []
        while let line = try reader.next() {
            guard runs.count < bounds.runs else {
                throw BundleError("\(reader.place): a suite has \(bounds.runs) runs at most")
            }
            let run = try BundleJSON.decode(RunRecord.self, line, reader.place)
            guard run.energy.domains.count <= bounds.domains, run.energy.otherScopes.count <= TotalScope.allCases.count
            else {
                throw BundleError(
                    "\(reader.place): it has \(run.energy.domains.count) domains, and \(bounds.domains) are the most, or more "
                        + "totals than there are scopes")
            }
            // Each is looked for among the others.
            let totals = [run.energy.total] + run.energy.otherScopes
            guard totals.allSatisfy({ $0.domainIDs.count <= bounds.domains }),
                Set(run.energy.domains.map(\.id)).count == run.energy.domains.count
            else {
                throw BundleError("\(reader.place): it has a domain twice, or a total of more than \(bounds.domains)")
            }
            if let problem = run.outOfBounds { throw BundleError("\(reader.place): \(problem)") }
            runs.append(run)
            try each(line, run, runs.count)
        }
        return runs
    }

    /// Where the samples of a run are laid while it is checked.
    func spool() throws -> SampleSpool { try SampleSpool(in: scratch.path) }

    func samples(_ uuid: String) throws -> BundledSamples {
        try BundledSamples(
            LineReader(
                location(.samples, of: uuid), path: place(.samples, of: uuid), mostBytes: bounds.sampleBytes))
    }
}

/// The samples of a suite, a run at a time.
struct BundledSamples {
    private var reader: LineReader
    private var next: (run: Int, sample: Sample)?

    init(_ reader: LineReader) throws {
        self.reader = reader
        let header = try self.reader.next().map { String(decoding: $0, as: UTF8.self) }
        guard header == BundleSamples.header.joined(separator: ",") else {
            throw BundleError(
                "\(self.reader.place): the columns are not \(BundleSamples.header.joined(separator: ","))")
        }
        next = try read()
    }

    private mutating func read() throws -> (run: Int, sample: Sample)? {
        guard let line = try reader.next() else { return nil }
        guard let text = String(validating: line, as: UTF8.self) else {
            throw BundleError("\(reader.place): this is not UTF-8")
        }
        return try BundleSamples.parse(text, reader.place)
    }

    /// Hands on the samples of a run, one at a time; runs are asked for in order.
    ///
    /// - Parameters:
    ///   - run: from 1.
    ///   - body: returns what is wrong with a sample, or `nil`.
    /// - Returns: how many there are.
    @discardableResult
    mutating func of(_ run: Int, _ body: (Sample) throws -> String?) throws -> Int {
        var count = 0
        while let current = next, current.run == run {
            // Whoever waits for a verification may go away.
            if count.isMultiple(of: 1024) { try Task.checkCancellation() }
            if let problem = try body(current.sample) { throw BundleError("\(reader.place): \(problem)") }
            count += 1
            next = try read()
        }
        if let current = next, current.run < run {
            throw BundleError("\(reader.place): a sample of run \(current.run) after those of run \(run)")
        }
        return count
    }

    /// To be called after the last run.
    func checkEnd(runs: Int) throws {
        if let next { throw BundleError("\(reader.place): a sample of run \(next.run), and there are \(runs)") }
    }
}

/// Writes the files of the archive that the manifest knows, and nothing else.
private struct Unpacker: TarReader.Handler {
    private let directory: String
    private let packedBytes: Int64
    private let bounds: BundleBounds
    private(set) var manifest: BundleManifest?
    private var manifestData = Data()
    private(set) var altered: [String] = []

    private var expected: [String: BundleManifest.Entry] = [:]
    private var current: BundleManifest.Entry?
    private var handle: FileHandle?
    private var hash = SHA256()

    init(directory: String, packedBytes: Int64, bounds: BundleBounds) {
        self.directory = directory
        self.packedBytes = packedBytes
        self.bounds = bounds
    }

    /// A file of the manifest that has not come.
    var missing: String? { expected.keys.min() ?? current?.path }

    mutating func begin(_ path: String, bytes: Int64) throws {
        guard manifest != nil else {
            guard path == BundleFormat.manifest else {
                throw BundleError(
                    "this is not a bundle of taskwatt: its first file is \(path), not \(BundleFormat.manifest)")
            }
            guard bytes <= bounds.manifestBytes else {
                throw BundleError("\(path) is too large: \(bytes) bytes, and \(bounds.manifestBytes) are the most")
            }
            return
        }
        guard let (suite, _) = BundleFormat.parts(path) else {
            throw BundleError("\(path) is in it, which no bundle has")
        }
        guard let entry = expected.removeValue(forKey: path) else {
            throw BundleError("\(path) is in it twice, or not in its manifest")
        }
        guard entry.bytes == bytes else {
            throw BundleError("\(path) has \(bytes) bytes, and \(entry.bytes) by its manifest")
        }
        let folder = "\(directory)/suites/\(suite)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        guard FileManager.default.createFile(atPath: "\(directory)/\(path)", contents: nil),
            let handle = FileHandle(forWritingAtPath: "\(directory)/\(path)")
        else { throw BundleError("\(directory)/\(path) cannot be written", remedy: "make room", cause: .machine) }
        self.handle = handle
        current = entry
        hash = SHA256()
    }

    mutating func data(_ bytes: UnsafeRawBufferPointer) throws {
        guard let handle else {
            manifestData.append(contentsOf: bytes)
            return
        }
        hash.update(bytes)
        do { try handle.write(contentsOf: Data(bytes)) } catch {
            throw BundleError(
                "\(directory) cannot be written: the disk may be full", remedy: "make room", cause: .machine)
        }
    }

    mutating func end() throws {
        guard let entry = current else { return try endManifest() }
        try? handle?.close()
        if try hash.finalize().hexadecimal != entry.sha256 { altered.append(entry.path) }
        current = nil
        handle = nil
    }

    private mutating func endManifest() throws {
        struct Kind: Decodable {
            var format: String
            var version: Int
        }
        let name = BundleFormat.manifest
        let kind = try BundleJSON.decode(Kind.self, manifestData, name)
        guard kind.format == BundleFormat.name else {
            throw BundleError("\(name) is that of something else: \(kind.format)")
        }
        guard kind.version == BundleFormat.version else {
            throw BundleError(
                "its format is version \(kind.version), and this taskwatt reads \(BundleFormat.version)",
                remedy: "update taskwatt", cause: kind.version > BundleFormat.version ? .newerFormat : .bundle)
        }
        let manifest = try BundleJSON.decode(BundleManifest.self, manifestData, name)
        guard !manifest.suites.isEmpty else { throw BundleError("\(name) names no suite") }
        guard manifest.files.count <= bounds.files, manifest.suites.count <= bounds.files else {
            throw BundleError(
                "\(name) names \(manifest.files.count) files of \(manifest.suites.count) suites, and \(bounds.files) are the most"
            )
        }
        // They become the names of directories.
        let suites = Set(manifest.suites)
        guard manifest.suites.allSatisfy(BundleFormat.isUUID), suites.count == manifest.suites.count else {
            throw BundleError("\(name) names a suite that is not a UUID, or one twice")
        }
        var total: Int64 = 0
        for entry in manifest.files {
            guard let (suite, file) = BundleFormat.parts(entry.path), suites.contains(suite) else {
                throw BundleError("\(name): \(entry.path) is not a file of a bundle")
            }
            guard entry.bytes >= 0, entry.bytes <= file.mostBytes else {
                throw BundleError(
                    "\(entry.path) is too large: \(entry.bytes) bytes, and \(file.mostBytes) are the most")
            }
            total += entry.bytes
            guard expected.updateValue(entry, forKey: entry.path) == nil else {
                throw BundleError("\(name): \(entry.path) is in it twice")
            }
        }
        // No text of ours gets so small; what does is made to fill a disk.
        guard total <= min(bounds.bytes, (1 << 20) + bounds.expansion * packedBytes) else {
            throw BundleError(
                "it would unpack to \(total >> 20) MiB, which no bundle of this size does; it is left packed")
        }
        self.manifest = manifest
    }
}
