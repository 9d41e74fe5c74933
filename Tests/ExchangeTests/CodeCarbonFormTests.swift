import Core
import Exchange
import Foundation
import Recording
import Reporting
import TestSupport
import Testing

/// Logs of CodeCarbon as its versions, spreadsheets and people leave them.
@Suite("CodeCarbon's logs in other forms")
struct CodeCarbonFormTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.path + "/emissions.csv" }

    init() throws { directory = try TemporaryDirectory() }

    private static let header =
        "timestamp,project_name,run_id,duration,cpu_energy,gpu_energy,ram_energy,energy_consumed,cpu_model"

    private static func line(
        _ number: Int, id: String? = nil, project: String = "bert", time: String = "2026-01-02T03:04:05",
        seconds: String = "10.5",
        energy: String = "0.002"
    ) -> String {
        "\(time),\(project),\(id ?? PaperLogs.id(number)),\(seconds),0.0005,0,0.0015,\(energy),Some CPU"
    }

    private func read(_ bytes: Data, model: String? = nil) throws -> CodeCarbonImport.Contents {
        try directory.write("/emissions.csv", bytes)
        return try CodeCarbonImport.read(
            path, CodeCarbonImport.Options(task: .fillMask, model: model, inferences: 1000), version: "1.0")
    }

    private func read(_ lines: [String], model: String? = nil) throws -> CodeCarbonImport.Contents {
        try read(Data((lines + [""]).joined(separator: "\n").utf8), model: model)
    }

    /// What is right of every form: the two runs, whole.
    private func check(_ contents: CodeCarbonImport.Contents, _ comment: Comment) {
        #expect(contents.problems.isEmpty, comment)
        #expect(contents.batch.suites.map(\.uuid) == [PaperLogs.id(1), PaperLogs.id(2)], comment)
        let runs = contents.batch.suites.flatMap(\.runs)
        #expect(runs.map(\.energy.total.energy) == [Energy(joules: 7200), Energy(joules: 7200)], comment)
        #expect(runs.map(\.workload?.model) == ["bert", "für alle"], comment)
        #expect(runs.map(\.energy.window.durationSeconds) == [10.5, 10.5], comment)
        #expect(runs.map(\.energy.domains.count) == [2, 2], comment)
        #expect(runs.first?.startedAt == 1_767_323_045 - 10.5, comment)
    }

    @Test("Separators, decimals, encodings and line ends of spreadsheets")
    func spreadsheets() throws {
        let lines = [Self.header, Self.line(1), Self.line(2, project: "für alle")]
        func text(_ separator: String, comma: Bool = false, end: String = "\r\n", _ first: String = "") -> String {
            let converted = lines.map { line in
                let fields = line.split(separator: ",").map(String.init)
                return fields.map { comma && Double($0) != nil ? $0.replacing(".", with: ",") : $0 }.joined(
                    separator: separator)
            }
            return first + (converted + [""]).joined(separator: end)
        }
        let forms: [(Comment, Data?)] = [
            ("as it is", text(",").data(using: .utf8)), ("bars", text("|").data(using: .utf8)),
            ("semicolons", text(";").data(using: .utf8)),
            ("German", text(";", comma: true).data(using: .utf8)), ("tabs", text("\t", comma: true).data(using: .utf8)),
            ("UTF-8 with a mark", Data([0xEF, 0xBB, 0xBF]) + Data(text(";", comma: true).utf8)),
            ("UTF-16", text("\t").data(using: .utf16)),
            ("UTF-16 the other way", Data([0xFE, 0xFF]) + (text(";").data(using: .utf16BigEndian) ?? Data())),
            ("UTF-16 without a mark", text(",").data(using: .utf16LittleEndian)),
            ("Windows-1252", text(";", comma: true).data(using: .windowsCP1252)),
            ("sep=", text(";", comma: true, "sep=;\r\n").data(using: .utf8)),
            ("sep= in quotes", text("\t", "\"sep=\t\"\r\n").data(using: .utf8)),
            ("old Macintosh", text(";", end: "\r").data(using: .utf8)),
            ("empty columns", text(";", end: ";;\n").data(using: .utf8)),
            ("empty lines", Data((text(";") + ";;;;;;;;\r\n\r\n").utf8)),
            ("quotes", Data(lines.map { "\"\($0.replacing(",", with: "\";\""))\"" }.joined(separator: "\n").utf8)),
            (
                "names of columns",
                Data(text(",").replacing("run_id", with: "Run ID").replacing("timestamp", with: " Timestamp").utf8)
            ),
        ]
        for (name, data) in forms { check(try read(try #require(data)), name) }
    }

    @Test("Numbers and times of spreadsheets")
    func numbers() throws {
        for (energy, right) in [
            ("2E-3", true), ("0,002", true), ("0.002", true), ("+0,0020", true), ("2.000,0", false), ("1,5e", false),
        ] {
            let line = Self.line(1).replacing(",", with: ";").replacing(";0.002;", with: ";\(energy);")
            let contents = try read([Self.header.replacing(",", with: ";"), line])
            #expect(contents.problems.isEmpty == right, "\(energy): \(contents.problems)")
        }
        // Between commas one in quotes is that of decimals, unless it could be that of thousands.
        #expect(try read([Self.header, Self.line(1, energy: "\"0,002\"")]).problems.isEmpty)
        #expect(
            try read([Self.header, Self.line(1, seconds: "\"1,234\"")]).problems.first?.description.contains(
                "not a number") == true)
        let times = [
            "2026-01-02 03:04:05", "2026-01-02 3:04:05", "02.01.2026 03:04:05", "2.1.2026 3:04:05", "02.01.26 03:04:05",
            "2026-01-02T04:04:05+01:00", "2026-01-02T03:04:05.000",
        ]
        for time in times {
            let contents = try read([Self.header, Self.line(1, time: time)])
            #expect(contents.batch.suites.first?.endedAt == 1_767_323_045, "\(time): \(contents.problems)")
        }
        #expect(
            try read([Self.header, Self.line(1, time: "02.01.2026 03:04")]).batch.suites.first?.endedAt == 1_767_323_040
        )
        for time in ["01/02/2026 03:04:05", "2026-02-30T00:00:00", "02.13.2026 03:04", "45201.84"] {
            #expect(try read([Self.header, Self.line(1, time: time)]).problems.count == 1, "\(time)")
        }
        // A sheet writes the digits that it shows.
        let rounded = "2026-01-02T03:04:05,bert,\(PaperLogs.id(1)),10,0.0005,0,0.0015,0.0021,CPU"
        #expect(try read([Self.header, rounded]).problems.isEmpty)
        #expect(try read([Self.header, rounded.replacing("0.0021", with: "0.0025")]).problems.count == 1)
    }

    @Test("Times with slashes, by what the file tells of their order")
    func slashes() throws {
        func ends(_ times: [String]) throws -> [Double?] {
            let lines = times.enumerated().map { Self.line($0.offset + 1, time: $0.element) }
            return try read([Self.header] + lines).batch.suites.map(\.endedAt)
        }
        // 2026-07-31T15:05:00Z.
        let end = 1_785_510_300.0
        for time in [
            "07/31/2026 3:05:00 PM", "7/31/2026 15:05", "\"7/31/26, 3:05:00\u{202F}p.m.\"", "31/07/2026 15:05:00",
            "31/7/2026 03:05:00 pm",
        ] { #expect(try ends([time]) == [end], "\(time)") }
        #expect(try ends(["7/31/2026 12:05 AM"]) == [end - 15 * 3600])
        // Another line tells.
        #expect(try ends(["07/08/2026 3:05:00 PM", "07/31/2026 3:05:00 PM"]) == [end - 23 * 86400, end])
        #expect(try ends(["08/07/2026 15:05", "31/07/2026 15:05"]) == [end - 23 * 86400, end])
        #expect(try ends(["07/07/2026 15:05"]) == [end - 24 * 86400])
        for times in [["07/08/2026 3:05 PM"], ["07/31/2026 3:05 PM", "31/07/2026 3:05 PM", "07/08/2026 3:05 PM"]] {
            let lines = times.enumerated().map { Self.line($0.offset + 1, time: $0.element) }
            let problems = try read([Self.header] + lines).problems
            #expect(problems.count == 1 && problems.first?.description.contains("two days") == true)
        }
        for time in ["07/31/2026 13:05 PM", "13/13/2026 10:00", "02/30/2026 10:00"] {
            #expect(try read([Self.header, Self.line(1, time: time)]).problems.count == 1, "\(time)")
        }
    }

    @Test("An id that a person gave is that of all of its lines")
    func otherIDs() throws {
        let lines = [
            Self.header, Self.line(1, id: "run-42", seconds: "5"), Self.line(1, id: "run-42", seconds: "9"),
            Self.line(1, id: "run-42", seconds: "12"), Self.line(2, id: "run-43"),
        ]
        let contents = try read(lines)
        #expect(contents.problems.isEmpty && contents.batch.suites.count == 2)
        #expect(contents.batch.suites.first?.runs.first?.energy.window.durationSeconds == 12)
        // One run was flushed, though two lines are left out; two ids were made.
        #expect(contents.remarks.values.sorted() == [1, 2])
        #expect(try read(lines).batch.suites.map(\.uuid) == contents.batch.suites.map(\.uuid))
    }

    /// The header of CodeCarbon 1.2 (its examples/emissions.csv), where `experiment_id` is that of the run.
    @Test("Version 1")
    func versionOne() throws {
        let contents = try read([
            "timestamp,experiment_id,project_name,duration,emissions,energy_consumed,country_name,country_iso_code,region,on_cloud,"
                + "cloud_provider,cloud_region",
            "2020-03-23T09:26:11,\(PaperLogs.id(7)),project_gamma,34,0.8,0.5,USA,USA,Ohio,Y,aws,us-east-2",
        ])
        #expect(contents.problems.isEmpty)
        let suite = try #require(contents.batch.suites.first)
        #expect(suite.uuid == PaperLogs.id(7))
        #expect(suite.runs.first?.energy.total.energy == Energy(joules: 1_800_000))
        #expect(suite.runs.first?.energy.domains.isEmpty == true)
    }

    @Test(
        "Ids that are missing are made of the line, and the same the next time", arguments: ["None", "", "nan", "N/A"])
    func missingIDs(id: String) throws {
        let lines = [
            Self.header, Self.line(1, id: id), Self.line(2, id: id, seconds: "11"), Self.line(3, seconds: "12"),
        ]
        let contents = try read(lines)
        #expect(contents.problems.isEmpty)
        #expect(contents.batch.suites.count == 3)
        #expect(Set(contents.batch.suites.map(\.uuid)).count == 3)
        #expect(contents.batch.suites.allSatisfy { UUID(uuidString: $0.uuid) != nil })
        #expect(contents.remarks.values.map { $0 } == [2])
        let again = try read(lines)
        #expect(again.batch.suites.map(\.uuid) == contents.batch.suites.map(\.uuid))
        // No column of ids at all, and one of Python's `hex`.
        let bare = lines.map {
            $0.split(separator: ",", omittingEmptySubsequences: false).enumerated().filter { $0.offset != 2 }.map {
                String($0.element)
            }.joined(separator: ",")
        }
        #expect(try read(bare).batch.suites.count == 3)
        let hex = PaperLogs.id(1).filter { $0 != "-" }
        #expect(try read([Self.header, Self.line(1, id: hex)]).batch.suites.map(\.uuid) == [PaperLogs.id(1)])
        #expect(try read([Self.header, Self.line(1, id: "10.0")]).problems.first?.line == 2)
    }

    @Test("What a run does not have")
    func missingFigures() throws {
        let line = "2026-01-02T03:04:05,None,\(PaperLogs.id(1)),10,0.0005,None,0.0015,0.002,CPU"
        #expect(try read([Self.header, line]).problems.first?.description.contains("--model") == true)
        let contents = try read([Self.header, line], model: "mine")
        #expect(contents.problems.isEmpty)
        #expect(contents.batch.suites.first?.runs.first?.workload?.model == "mine")
        #expect(contents.batch.suites.first?.runs.first?.energy.domains.map(\.scope) == [.package, .dram])
    }

    @Test("Numbers at the ends of what can be written are refused in their line, or read")
    func extremes() throws {
        let line = { (duration: String, energy: String) in
            "2026-01-02T03:04:05,bert,\(PaperLogs.id(1)),\(duration),\(energy),0,0,\(energy),CPU"
        }
        for (duration, energy) in [
            ("1e-320", "1"), ("10", "1.5e-9223372036854775808"), ("10", "1e400"), ("1e-400", "1"),
        ] {
            #expect(
                try read([Self.header, line(duration, energy), Self.line(2)]).problems.map(\.line) == [2],
                "\(duration), \(energy)")
        }
        #expect(try read([Self.header, line("10", "1.5e-300")]).batch.suites.count == 1)
    }

    @Test("A run of no energy is no run that was measured")
    func nothingMeasured() throws {
        let empty = "2026-01-02T03:04:05,bert,\(PaperLogs.id(1)),10,0,0,0,0,CPU"
        let contents = try read([Self.header, empty, Self.line(2)])
        #expect(contents.problems.map(\.line) == [2] && contents.batch.suites.count == 1)
    }

    @Test("Of the lines of one run the last counts")
    func flushes() throws {
        func flush(_ seconds: Int, _ energy: String) -> String {
            "2026-01-02T03:04:\(10 + seconds),bert,\(PaperLogs.id(1)),\(seconds),\(energy),0,0,\(energy),CPU"
        }
        let growing = [Self.header, flush(5, "0.001"), flush(10, "0.002"), Self.line(2), flush(15, "0.003")]
        for lines in [growing, growing + growing, growing.reversed().filter { $0 != Self.header } + []] {
            let contents = try read(lines.first == Self.header ? lines : [Self.header] + lines)
            #expect(contents.problems.isEmpty)
            let run = contents.batch.suites.first { $0.uuid == PaperLogs.id(1) }?.runs.first
            #expect(run?.energy.total.energy == Energy(joules: 10_800))
            #expect(contents.batch.suites.count == 2)
        }
        let shrinking = try read([Self.header, flush(5, "0.001"), flush(10, "0.0005")])
        #expect(shrinking.problems.map(\.line) == [3])
    }

    @Test("Of one run of each model there is no interval, and never one of zero")
    func interval() async throws {
        func uncertainty(_ lines: [String]) async throws -> Double? {
            let record = try TestRecord()
            try await read([Self.header] + lines).batch.write(to: record.store)
            var options = TableReport.Options()
            options.filter.source = .codecarbon
            let report = try await TableReport(record.store, options)
            let row = try #require(report.rows.first)
            #expect(report.rows.count == 1)
            return row.uncertainty
        }
        let other = Self.line(2, project: "gpt").replacing("0.0015,0.002", with: "0.0025,0.003")
        let more = Self.line(3).replacing("0.0015,0.002", with: "0.0016,0.0021")
        #expect(try await uncertainty([Self.line(1)]) == nil)
        await #expect(try uncertainty([Self.line(1), other]) == nil)
        await #expect(try uncertainty([Self.line(1), more, other]) == nil, "one of the two models has one run")
        await #expect(try uncertainty([Self.line(1), more]) ?? 0 > 0)
        await #expect(try uncertainty([Self.line(1), Self.line(3)]) == nil, "two that are equal tell nothing")
    }

    @Test("Several files pasted together, of other columns, separators and marks")
    func pasted() throws {
        let other = "run_id;timestamp;project_name;duration;energy_consumed"
        let line = "\(PaperLogs.id(2));2026-01-02T03:04:05;für alle;10,5;0,002"
        let contents = try read([
            Self.header, Self.line(1), Self.header, "\u{FEFF}" + other, line, "sep=,", Self.header, Self.line(3),
        ])
        #expect(contents.problems.isEmpty, "\(contents.problems)")
        #expect(contents.batch.suites.map(\.uuid) == [1, 2, 3].map(PaperLogs.id))
        #expect(contents.batch.suites.flatMap(\.runs).map(\.energy.total.energy.joules) == [7200, 7200, 7200])
        // A file whose last line had no end: two lines in one are no line.
        let glued = try read([Self.header, Self.line(1) + Self.line(2), Self.line(3)])
        #expect(glued.problems.map(\.line) == [2] && glued.batch.suites.map(\.uuid) == [PaperLogs.id(3)])
        let tasks = try read([Self.header, Self.line(1), "task_name," + Self.header, "load," + Self.line(2)])
        #expect(tasks.problems.map(\.line) == [4] && tasks.batch.suites.count == 1)
        // What only looks like another header is read once.
        #expect(try read([Self.header, "\"timestamp,duration,energy_consumed\"", Self.line(1)]).problems.count == 1)
    }
}
