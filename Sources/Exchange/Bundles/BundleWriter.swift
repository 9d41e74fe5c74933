import Core
import Digests
import Foundation
import Glibc
package import Host
package import Recording
import Reporting

/// Writes suites of a record into one file, with which anybody can check their figures.
package struct BundleWriter {
    private let store: any RecordReader
    private let redaction: Redaction?
    private let version: String

    private static let pageOfSamples = 5000

    /// - Parameters:
    ///   - redaction: leaves out who and where; `nil` keeps all as it is.
    ///   - version: of this program.
    package init(_ store: any RecordReader, redaction: Redaction?, version: String) {
        self.store = store
        self.redaction = redaction
        self.version = version
    }

    /// The suites that a user means: UUIDs, prefixes of them, or `last`.
    ///
    /// - Throws: `UserError` for none, or several.
    package static func suites(_ names: [String], in store: any RecordReader) async throws -> [String] {
        var suites: [String] = []
        // With commas between, as `--suite-run` has them, or one after the other; a label may have a comma of its own.
        for name in names.flatMap({ name in
            name.hasPrefix("label:")
                ? [name] : name.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }) {
            let found = try await store.suites(named: name)
            guard let suite = found.first else {
                throw UserError(
                    .unknownName, "there is no suite run \(name) in the record",
                    remedy: "`taskwatt list` has the UUID of each")
            }
            if found.count > 1 {
                throw UserError(
                    .unknownName, "several suite runs are meant by \(name): \(found.joined(separator: ", "))",
                    remedy: "give the UUID of each")
            }
            if !suites.contains(suite) { suites.append(suite) }
        }
        return suites
    }

    /// Writes a bundle. The same record gives the same bytes.
    ///
    /// - Parameters:
    ///   - suites: UUIDs.
    ///   - isReplacing: whether a file that is there makes room.
    ///   - isPrivate: whether it is for its owner alone; else for whom the umask says.
    /// - Throws: `BundleError`, `StoreError`, `FileProblem`; nothing is left of the file then, and one that was there is as it was.
    package func write(_ suites: [String], to file: String, isReplacing: Bool = false, isPrivate: Bool = false)
        async throws
    {
        let output = try OutputFile(file, isReplacing ? .replaced : .refused, isPrivate: isPrivate)
        try await write(suites, to: output)
        try output.finish()
    }

    /// Writes a bundle to an output, which the caller finishes.
    ///
    /// - Throws: `BundleError`, `StoreError`, `FileProblem`.
    package func write(_ suites: [String], to output: OutputFile) async throws {
        try await output.withPath { try await pack(suites, into: $0) }
    }

    private func pack(_ suites: [String], into archive: String) async throws {
        let scratch = try ScratchDirectory()
        var manifest = BundleManifest(
            format: BundleFormat.name, version: BundleFormat.version, createdBy: BundleManifest.creator(version),
            isRedacted: redaction != nil, suites: suites.sorted(), files: [])
        for suite in manifest.suites { manifest.files += try await files(of: suite, in: scratch.path) }
        try Self.write(BundleJSON.document(manifest), to: "\(scratch.path)/\(BundleFormat.manifest)")
        try await ArchiveTools.pack(
            [BundleFormat.manifest] + manifest.files.map(\.path), of: scratch.path, into: archive)
    }

    // MARK: One suite

    private func files(of uuid: String, in directory: String) async throws -> [BundleManifest.Entry] {
        guard let stored = try await store.suite(uuid) else {
            throw BundleError("there is no suite run \(uuid) in the record")
        }
        guard stored.source == .taskwatt else {
            throw BundleError("\(uuid) comes from \(stored.source.rawValue) and has no samples; nobody could check it")
        }
        guard BundleFormat.isUUID(uuid), let status = RunStatus(rawValue: stored.status) else {
            throw BundleError("\(uuid) is \(stored.status)", remedy: "bundle it when it has ended")
        }
        let descriptions = try await store.meters(ofSuite: uuid)
        // A plug's or a BMC's name is in the ids of its meters too.
        let hosts = descriptions.compactMap { URL(string: $0.source)?.host() }
        let redaction = try hosts.reduce(redaction?.adding(host: stored.machine)) { try $0?.adding(host: $1) }
        let machine = try redaction?.machine(stored.machine) ?? stored.machine
        let inventory = try Self.redacted(stored.inventory, redaction, "the inventory of \(uuid)")
        let suite = BundledSuite(
            uuid: uuid, suite: try redaction?.text(stored.suite) ?? stored.suite,
            machine: BundledSuite.Machine(
                name: machine, fingerprint: MachineFingerprint.of(machineName: machine, inventory: inventory)),
            version: stored.version, startedAt: stored.startedAt, endedAt: stored.endedAt, status: status,
            error: stored.error.map { redaction == nil ? $0 : Redaction.leftOut },
            label: try stored.label.map { try redaction?.text($0) ?? $0 })
        let meters = try descriptions.map { try redaction?.value($0) ?? $0 }
        let runs = try await runs(of: uuid, redaction)
        guard !runs.isEmpty else { throw BundleError("\(uuid) measured nothing: it has no run to bundle") }

        var documents: [BundleFormat.File: Data] = [:]
        documents[.inventory] = Data(inventory.utf8)
        documents[.meters] = try BundleJSON.document(meters)
        documents[.options] = Data(try Self.redacted(stored.options, redaction, "the options of \(uuid)").utf8)
        documents[.preflight] = try stored.preflight.map {
            Data(try Self.redacted($0, redaction, "the preflight of \(uuid)").utf8)
        }
        documents[.software] = try BundleJSON.document(BundledSoftware(taskwatt: stored.version, runs.map(\.record)))
        documents[.state] = Data(try Self.redacted(stored.machineState, redaction, "the state of \(uuid)").utf8)
        documents[.suite] = try BundleJSON.document(suite)
        documents[.suiteText] = Data(try (redaction?.text(stored.suiteText) ?? stored.suiteText).utf8)
        documents[.table] = try BundleJSON.document(await BundledTable.make(of: suite, runs: runs.map(\.record)))

        let folder = "\(directory)/suites/\(uuid)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var entries: [BundleManifest.Entry] = []
        for file in BundleFormat.File.allCases {
            var output = try HashedFile("\(folder)/\(file.rawValue)", path: BundleFormat.path(file, of: uuid))
            switch file {
            case .runs:
                for run in runs { try output.append(BundleJSON.line(run.record)) }
            case .samples: try await samples(of: runs.map(\.id), redaction, to: &output)
            default:
                guard let document = documents[file] else {
                    output.discard()
                    continue
                }
                try output.append(document)
            }
            entries.append(try output.end())
        }
        return entries
    }

    private func runs(of uuid: String, _ redaction: Redaction?) async throws -> [(id: Int64, record: RunRecord)] {
        var runs: [(id: Int64, record: RunRecord)] = []
        while true {
            let page = try await store.runs(
                RunFilter(suiteRun: uuid), after: runs.last?.id ?? 0, limit: 500, damaged: { _ in })
            if page.isEmpty { return runs }
            runs += try page.map { ($0.id, try redaction?.value($0.record) ?? $0.record) }
        }
    }

    private func samples(of runs: [Int64], _ redaction: Redaction?, to output: inout HashedFile) async throws {
        var meters: [String: String] = [:]
        // No spreadsheet is meant to open it, and a bundle has what the record has.
        var header = CSVWriter(isRaw: true)
        header.row(BundleSamples.header)
        try output.append(Data(header.text.utf8))
        for (index, run) in runs.enumerated() {
            var page = try await store.samples(ofRun: run, after: 0, limit: Self.pageOfSamples)
            while let last = page.last {
                try Task.checkCancellation()
                var lines = CSVWriter(isRaw: true)
                for stored in page {
                    var sample = stored.sample
                    if let redaction {
                        let id = try meters[sample.meterID] ?? redaction.text(sample.meterID)
                        meters[sample.meterID] = id
                        sample.meterID = id
                    }
                    lines.row(BundleSamples.fields(sample, run: index + 1))
                }
                try output.append(Data(lines.text.utf8))
                page = try await store.samples(ofRun: run, after: last.id, limit: Self.pageOfSamples)
            }
        }
    }

    private static func redacted(_ text: String, _ redaction: Redaction?, _ what: String) throws -> String {
        guard let redaction else { return text }
        let value = try BundleJSON.decode(JSONValue.self, Data(text.utf8), what)
        return String(decoding: try BundleJSON.line(try redaction.json(value)).dropLast(), as: UTF8.self)
    }

    private static func write(_ data: Data, to file: String) throws {
        do { try data.write(to: URL(fileURLWithPath: file)) } catch {
            throw BundleError("\(file) cannot be written", remedy: "make room", cause: .machine)
        }
    }
}

extension Redaction {
    /// The same kind of value without what tells who or where.
    fileprivate func value<Value: Codable>(_ value: Value) throws -> Value {
        let json = try JSONDecoder().decode(JSONValue.self, from: try BundleJSON.line(value))
        return try JSONDecoder().decode(Value.self, from: try BundleJSON.line(try self.json(json)))
    }
}

/// A file that is written once, and its sum.
private struct HashedFile {
    private let handle: FileHandle
    private let file: String
    private let path: String
    private var bytes: Int64 = 0
    private let hash = SHA256()

    init(_ file: String, path: String) throws {
        guard FileManager.default.createFile(atPath: file, contents: nil),
            let handle = FileHandle(forWritingAtPath: file)
        else { throw BundleError("\(file) cannot be written", remedy: "make room", cause: .machine) }
        self.handle = handle
        self.file = file
        self.path = path
    }

    mutating func append(_ data: Data) throws {
        do { try handle.write(contentsOf: data) } catch {
            throw BundleError("\(file) cannot be written: the disk may be full", remedy: "make room", cause: .machine)
        }
        bytes += Int64(data.count)
        hash.update(data)
    }

    func discard() {
        try? handle.close()
        unlink(file)
    }

    /// - Throws: `DigestError`.
    func end() throws -> BundleManifest.Entry {
        try? handle.close()
        return BundleManifest.Entry(path: path, bytes: bytes, sha256: try hash.finalize().hexadecimal)
    }
}
