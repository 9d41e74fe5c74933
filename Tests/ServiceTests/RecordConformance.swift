import Core
import Foundation
import Host
import Recording
import Reporting
import TestSupport
import Testing

@testable import API
@testable import Exchange
@testable import Service

/// What every record has to answer, whoever holds it: the first of the two parts of the conformance suite.
///
/// It goes by the record of `fill`, and each answer is held against what was put in, so that two that are wrong alike do not pass.
struct RecordAccessConformance {
    let access: any RecordAccess
    let directory: TemporaryDirectory
    /// Whether it makes copies of itself.
    var hasBackup = true

    /// Three suites: two of our own, with two and three windows of 3,600 J and 7,200 J for 100 inferences, of which 0.01 and 0.02 kWh per
    /// 1,000 follow; and one that a log brought.
    ///
    /// - Returns: the UUIDs of our own.
    static func fill(_ record: any RecordWriter) async throws -> (first: String, second: String) {
        func suite(_ name: String, _ machine: String, _ runs: [RunRecord]) async throws -> String {
            let uuid = try await record.beginSuiteRun(
                SuiteStart(
                    suite: name, suiteText: "runs: []", options: "{}", machineName: machine, inventory: "{}",
                    machineState: "{}", meters: [], version: "1.0", startedAt: 1_764_000_000, label: name))
            for run in runs { try await record.record(run, samples: [], suiteRun: uuid) }
            try await record.endSuiteRun(uuid, status: .completed, error: nil, at: 1_764_000_900)
            return uuid
        }
        let first = try await suite("small", "a", [run(3600), run(3600)])
        let second = try await suite(
            "large", "b", [run(7200, model: "n"), run(7200, model: "n"), run(7200, model: "n")])
        return (first, second)
    }

    func questions(_ own: (first: String, second: String)) async throws {
        try await suites(own)
        try await tables(own)
        try await unknownNames(own)
        try await documents(own)
        try await exports()
        try await files(own)
    }

    private func suites(_ own: (first: String, second: String)) async throws {
        let all = try await access.suiteRuns(label: nil, suite: nil, machine: nil, limit: 100)
        #expect(all.map(\.uuid) == [own.second, own.first])
        #expect(all.map(\.runs) == [3, 2] && all.allSatisfy { $0.status == "completed" && $0.version == "1.0" })
        #expect(try await access.suiteRuns(label: nil, suite: nil, machine: nil, limit: 1).map(\.uuid) == [own.second])
        #expect(
            try await access.suiteRuns(label: "small", suite: nil, machine: nil, limit: 9).map(\.uuid) == [own.first])
        #expect(
            try await access.suiteRuns(label: nil, suite: "large", machine: "b", limit: 9).map(\.uuid) == [own.second])
        #expect(try await access.suiteRuns(label: nil, suite: "large", machine: "a", limit: 9).isEmpty)
    }

    private func tables(_ own: (first: String, second: String)) async throws {
        var options = TableReport.Options()
        options.by = [.task, .model]
        let table = try await access.table(options)
        #expect(table.rows.map(\.n) == [2, 3])
        #expect(isClose(table.rows[0].mean, 0.01) && isClose(table.rows[1].mean, 0.02))
        options.filter.machine = "b"
        #expect(try await access.table(options).rows.map(\.models) == [["n"]])
        options.filter = RunFilter(suiteRun: own.first, source: .taskwatt)
        #expect(try await access.table(options).rows.map(\.n) == [2])
        // A name with what an address has to encode.
        options.filter = RunFilter(source: .taskwatt)
        options.filter.model = "n & ü?#%/=+"
        #expect(try await access.table(options).rows.isEmpty)
        options.filter.model = nil
        options.by = [.parameter("no-such-parameter")]
        #expect(try await refusal { try await access.table(options) } == .usage)

        let base = RunFilter(source: .taskwatt)
        let now = Date(timeIntervalSince1970: 1_764_100_000)
        func request(_ a: String, _ b: String) throws -> Comparison.Request {
            Comparison.Request(
                a: try RunSelection.parse(a, base: base, now: now), b: try RunSelection.parse(b, base: base, now: now),
                isNet: false, isMixed: true)
        }
        let comparison = try await access.comparison(try request("machine:a", "machine:b"))
        #expect(isClose(comparison.rows.first?.ratio, 2))
        #expect(try await refusal { try await access.comparison(try request("last-7", "last")) } != nil)

        let detail = try await access.detail(of: "last", columns: 8)
        #expect(detail.suite.uuid == own.second && detail.run == nil)
        #expect(try await access.detail(of: "1", columns: 8).run == 1)
        #expect(try await access.detail(of: "label:small", columns: 8).suite.uuid == own.first)
        let nobody = await #expect(throws: UserError.self) { try await access.detail(of: "label:no body", columns: 8) }
        #expect(nobody?.message.contains("label:no body") == true)
        #expect(try await access.detail(of: String(own.first.prefix(8)), columns: 8).suite.uuid == own.first)
        #expect(try await refusal { try await access.detail(of: "99", columns: 8) } == .unknownName)
    }

    /// Why nothing fits a filter.
    private func unknownNames(_ own: (first: String, second: String)) async throws {
        func unknown(_ set: (inout RunFilter) -> Void) async throws -> UserError? {
            var filter = RunFilter(source: .taskwatt)
            set(&filter)
            return try await access.unknownName(in: filter)
        }
        let wrong: [((inout RunFilter) -> Void, String)] = [
            ({ $0.model = "nn" }, "`n`"), ({ $0.label = "smal" }, "`small`"), ({ $0.suite = "larg" }, "`large`"),
            ({ $0.machine = "elsewhere" }, "elsewhere"), ({ $0.suiteRun = "last,zzzz" }, "zzzz"),
            ({ $0.task = MLTask(rawValue: "nonsense") }, "nonsense"), ({ $0.device = "banana" }, "banana"),
        ]
        for (set, word) in wrong {
            let error = try await unknown(set)
            #expect(error?.kind == .unknownName && error.map { "\($0)".contains(word) } == true)
        }
        let right: [(inout RunFilter) -> Void] = [
            { $0.model = "n" }, { $0.label = "small" }, { $0.suiteRun = "last,last-1" },
            { $0.suiteRun = String(own.first.prefix(8)) }, { $0.until = 1 },
            // Each is there, and not with the other.
            {
                $0.model = "n"
                $0.machine = "a"
            },
        ]
        for set in right { #expect(try await unknown(set) == nil) }
    }

    private func documents(_ own: (first: String, second: String)) async throws {
        let options = TableReport.Options()
        let report = try await access.report(options)
        #expect(report.hasPrefix("<!DOCTYPE html>") && report.contains("</html>"))
        #expect(try await access.methods(options).contains("\\cite{luccioni2024power}"))
        var none = options
        none.filter.model = "nobody"
        for ask in [access.report, access.methods] {
            #expect(try await refusal { try await ask(none) } == UserError.nothingToReport.kind)
        }
        let energy = try FigureKind.named("energy")
        let drawn = try await access.figure(FigureRequest(energy, options, theme: .dark))
        #expect(drawn.contains("<svg") && drawn.contains("</svg>"))
        let data = try await access.figure(FigureRequest(energy, options, isCSV: true))
        #expect(try pythonReads(data).count > 1)
        #expect(try await refusal { try await access.figure(FigureRequest(energy, none)) } != nil)
    }

    private func exports() async throws {
        for (kind, lines) in [(Export.Kind.runs, 6), (.jsonl, 5), (.codecarbon, 6)] {
            var bytes: [UInt8] = []
            let leftOut = try await access.export(kind, RunFilter(), hasRawCells: false) { bytes += $0 }
            #expect(bytes.count { $0 == UInt8(ascii: "\n") } == lines, "\(kind)")
            #expect(leftOut.isEmpty)
        }
        var some: [UInt8] = []
        var filter = RunFilter()
        filter.model = "n"
        _ = try await access.export(.jsonl, filter, hasRawCells: true) { some += $0 }
        #expect(some.count { $0 == UInt8(ascii: "\n") } == 3)
    }

    private func files(_ own: (first: String, second: String)) async throws {
        if hasBackup { try await copies(own) }
        let bundle = try OutputFile("\(directory.path)/b.tar.zst", .refused)
        try await access.bundle(["last", own.first], isRedacted: false, to: bundle)
        try bundle.finish()
        // It is of runs without samples, so that nobody can check its figures; that it is whole anybody can.
        let verification = try await BundleVerifier.verify("\(directory.path)/b.tar.zst", version: "1.0")
        #expect(verification.suites.count == 2 && verification.findings.isEmpty)
        let nobody = try OutputFile("\(directory.path)/none.tar.zst", .refused)
        #expect(try await refusal { try await access.bundle(["zzzz"], isRedacted: false, to: nobody) } == .unknownName)
    }

    private func copies(_ own: (first: String, second: String)) async throws {
        let copy = "\(directory.path)/copy/taskwatt.sqlite"
        try FileManager.default.createDirectory(atPath: "\(directory.path)/copy", withIntermediateDirectories: true)
        let output = try OutputFile(copy, .refused, isPrivate: true)
        try await access.backup(to: output)
        try output.finish()
        let copied = try Store(directory: "\(directory.path)/copy")
        #expect(try copied.suiteRuns().map(\.uuid) == [own.second, own.first])
        #expect(try copied.runs().count == 5)
    }

    /// Imports, the one part of writing that is open over HTTP too.
    func importing() async throws {
        #expect(try await access.imports().isEmpty)
        let batch = Self.batch("log.csv", uuid: "11111111-2222-4333-8444-555555555555")
        #expect(try await access.bring([batch]).added == 1)
        let again = try await access.bring([batch])
        #expect(again.added == 0 && again.known == 1)
        let known = try await access.imports()
        #expect(known.map(\.file) == ["log.csv"] && known.map(\.runs) == [2])
        var options = TableReport.Options()
        options.filter.source = .codecarbon
        #expect(try await access.table(options).rows.map(\.n) == [2])
        // All of it or nothing.
        var poisoned = Self.batch("poison.csv", uuid: "21111111-2222-4333-8444-555555555555")
        poisoned.suites[0].runs[1].completedInferences = .max
        #expect(try await refusal { try await access.bring([poisoned]) } != nil)
        #expect(try await access.imports().count == 1)

        // Pages, the latest first.
        let later = (2...4).map { Self.batch("log-\($0).csv", uuid: "\($0)1111111-3333-4333-8444-555555555555") }
        for batch in later { #expect(try await access.bring([batch]).added == 1) }
        let latest = try await access.imports(before: nil, limit: 3)
        #expect(latest.map(\.file) == ["log-4.csv", "log-3.csv", "log-2.csv"] && latest.map(\.runs) == [2, 2, 2])
        #expect(try await access.imports(before: latest.last?.id, limit: 3) == known)
        #expect(try await access.imports(before: known.first?.id, limit: 3).isEmpty)
        for item in latest { #expect(try await access.undoImport(item.id)?.suites == 1) }

        let id = try #require(known.first).id
        #expect(try await access.undoImport(id)?.runs == 2)
        #expect(try await access.undoImport(id) == nil)
        #expect(try await access.imports().isEmpty)
        #expect(try await access.table(options).rows.isEmpty)
        try directory.write("/none.tar.zst", "no bundle")
        #expect(try await refusal { try await access.bring(bundle: "\(directory.path)/none.tar.zst") } != nil)
    }

    private static func batch(_ file: String, uuid: String) -> ImportBatch {
        ImportBatch(
            source: .codecarbon, file: file, sha256: String(repeating: "0", count: 64), version: "3.0",
            suites: [
                ImportedSuite(
                    uuid: uuid, suite: "emissions", machine: "c", inventory: "{}", machineState: "{}",
                    startedAt: 1_764_000_000, endedAt: 1_764_000_100, runs: [run(100), run(110)])
            ])
    }

    /// The kind of the error that a question ends in; `nil` where it has an answer.
    private func refusal<Value>(_ ask: () async throws -> Value) async throws -> UserError.Kind? {
        do { _ = try await ask() } catch let error as any UserFacingError { return error.userError.kind }
        return nil
    }
}

/// What everything that keeps a record has to do: the second part.
struct RecordWriterConformance {
    let writer: any RecordWriter
    let reader: any RecordReader
    /// Whether windows keep their samples.
    var hasSamples = true

    func all() async throws {
        let uuid = try await begin("first")
        try await writer.record(run(1), samples: [], suiteRun: uuid)
        let sample = Sample(
            meterID: "m", time: MonotonicTime(seconds: 11), wallTime: 1_764_000_001, energy: Energy(joules: 1),
            power: nil)
        try await writer.record(run(2), samples: [sample], suiteRun: uuid)
        #expect(try await energies() == [1, 2], "in the order of the calls")
        let last = try #require(try await reader.runNumbers()?.upperBound)
        #expect(
            try await reader.samples(ofRun: last, after: 0, limit: 9).map(\.sample.meterID) == (hasSamples ? ["m"] : [])
        )
        try await writer.endSuiteRun(uuid, status: .failed, error: "told", at: 1_764_000_100)
        let ended = try #require(try await reader.suite(uuid))
        #expect(ended.status == "failed" && ended.error == "told" && ended.endedAt == 1_764_000_100)

        // What a suite measured is kept, though somebody ends it in the same moment.
        let task = Task { try await writer.record(run(3), samples: [], suiteRun: uuid) }
        task.cancel()
        try await task.value
        #expect(try await energies() == [1, 2, 3])
        let query = SumsQuery(RunFilter())
        let group = try #require(try await reader.sums(query).groups.first)
        var values: [GroupedValue] = []
        try await reader.eachValue(query) { values.append($0) }
        #expect(values.map(\.group) == Array(repeating: group.group.id, count: 3))
        #expect(
            Set(values.map(\.session)).count == 1
                && isClose(group.sums.gross, values.reduce(0) { $0 + $1.kilowattHours }))
        try await importing()
    }

    private func importing() async throws {
        struct Broken: Error {}
        let file = ImportedFile(source: .codecarbon, name: "f", sha256: "0", importedAt: 1_764_000_000)
        await #expect(throws: Broken.self) {
            try await writer.importing(file) { importing in
                _ = try importing.begin(start("broken"), uuid: "a")
                try importing.record(run(9), suiteRun: "a")
                throw Broken()
            }
        }
        #expect(try await energies() == [1, 2, 3], "all or nothing")
        #expect(try await reader.imports().isEmpty)
        for isNew in [true, false] {
            let begun = try await writer.importing(file) { importing in
                guard try importing.begin(start("brought"), uuid: "b") else { return false }
                try importing.record(run(4), suiteRun: "b")
                try importing.end("b", status: .completed, at: 1_764_000_000)
                return true
            }
            #expect(begun == isNew, "a suite that is there is left as it is")
        }
        let brought = try await reader.imports()
        #expect(brought.count == 1, "a file that brings nothing leaves no trace")
        #expect(try await reader.imports(before: nil, limit: 9) == brought)
        #expect(try await reader.imports(before: brought.first?.id, limit: 9).isEmpty)
        let id = try #require(brought.first).id
        #expect(try await writer.undoImport(id)?.runs == 1)
        #expect(try await writer.undoImport(id) == nil)
        #expect(try await energies() == [1, 2, 3])
    }

    private func start(_ suite: String) -> SuiteStart {
        SuiteStart(
            suite: suite, suiteText: "runs: []", options: "{}", machineName: "host", inventory: "{}",
            machineState: "{}", meters: [], version: "1.0", startedAt: 1_764_000_000)
    }

    private func begin(_ suite: String) async throws -> String { try await writer.beginSuiteRun(start(suite)) }

    private func energies() async throws -> [Double] {
        try await reader.runs(RunFilter(), after: 0, limit: 100, damaged: { _ in }).map(
            \.record.energy.total.energy.joules)
    }
}
