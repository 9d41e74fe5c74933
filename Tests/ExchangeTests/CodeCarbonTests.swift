import Core
import Exchange
import Foundation
import Recording
import Reporting
import TestSupport
import Testing

@Suite("CodeCarbon's emissions.csv")
struct CodeCarbonTests {
    private let record: TestRecord
    private let directory: TemporaryDirectory
    private var path: String { directory.path + "/emissions.csv" }

    /// As CodeCarbon 3.3 writes it.
    private static let columns =
        "timestamp,project_name,run_id,experiment_id,duration,emissions,emissions_rate,cpu_power,gpu_power,ram_power,"
        + "cpu_energy,gpu_energy,ram_energy,energy_consumed,water_consumed,country_name,country_iso_code,region,"
        + "cloud_provider,cloud_region,os,python_version,codecarbon_version,cpu_count,cpu_model,gpu_count,gpu_model,"
        + "longitude,latitude,ram_total_size,tracking_mode,cpu_utilization_percent,gpu_utilization_percent,"
        + "ram_utilization_percent,ram_used_gb,on_cloud,pue,wue"

    init() throws {
        record = try TestRecord()
        directory = try TemporaryDirectory()
    }

    private static func line(
        _ number: Int, energy: String = "0.002", sum: (String, String, String) = ("0.0005", "0.0", "0.0015")
    ) -> String {
        "2026-01-02T03:04:05,bert,\(PaperLogs.id(number)),5b0fa12a-3dd7-45bb-9766-cc326314d9f1,10.0,0.001,0.0001,42.5,0.0,"
            + "10.0,\(sum.0),\(sum.1),\(sum.2),\(energy),0.0,Germany,DEU,berlin,,,Linux-6.1,3.12.1,3.3.0,8,Some CPU,,,13.4,"
            + "52.5,31.2,machine,12.5,0.0,40.1,12.5,N,1.0,0.0"
    }

    private func read(
        _ lines: [String], model: String? = nil, inferences: Int = 1000
    ) throws -> CodeCarbonImport.Contents {
        try directory.write("/emissions.csv", (lines + [""]).joined(separator: "\n"))
        return try CodeCarbonImport.read(
            path, CodeCarbonImport.Options(task: .fillMask, dataset: "c4", model: model, inferences: inferences),
            version: "1.0")
    }

    @Test("A line is a run, of the task and the inferences that the user says")
    func line() async throws {
        let contents = try read([Self.columns, Self.line(1), Self.line(2)], inferences: 500)
        let batch = contents.batch
        #expect(contents.problems.isEmpty && contents.remarks.isEmpty)
        #expect(try await batch.write(to: record.store).added == 2)
        #expect(try await batch.write(to: record.store).known == 2)
        let runs = try record.store.runs()
        #expect(runs.count == 2)
        let run = try #require(runs.first)
        #expect(run.source == .codecarbon)
        #expect(run.suiteRun == PaperLogs.id(1))
        #expect(run.machine == "Some CPU")
        #expect(run.record.workload?.model == "bert")
        #expect(run.record.workload?.dataset == "c4")
        #expect(run.record.completedInferences == 500)
        #expect(run.record.energy.total.energy == Energy(joules: 7200))
        #expect(run.record.energy.domains.map(\.scope) == [.package, .dram], "no GPU, no domain of it")
        #expect(
            try read([Self.columns, Self.line(1)], model: "mine").batch.suites.first?.runs.first?.workload?.model
                == "mine")
    }

    @Test("Of the old 31 columns as of the new 38")
    func oldColumns() throws {
        let old = Self.columns.split(separator: ",").filter { name in
            !["experiment_id", "water_consumed", "wue"].contains(name) && !name.hasSuffix("_percent")
                && name != "ram_used_gb"
        }
        #expect(old.count == 31)
        let values = zip(
            Self.columns.split(separator: ","), Self.line(1).split(separator: ",", omittingEmptySubsequences: false))
        let line = values.filter { old.contains($0.0) }.map { String($0.1) }.joined(separator: ",")
        let contents = try read([old.joined(separator: ","), line])
        #expect(contents.problems.isEmpty)
        #expect(contents.batch.suites.first?.runs.first?.energy.total.energy == Energy(joules: 7200))
    }

    @Test("A data centre's PUE may be in the sum or not")
    func pue() throws {
        let line = Self.line(1, energy: "0.003").replacing("N,1.0,0.0", with: "N,1.5,0.0")
        #expect(try read([Self.columns, line]).problems.isEmpty)
        #expect(try read([Self.columns, Self.line(1, energy: "0.003")]).problems.count == 1)
    }

    @Test("Columns that changed places, and what cannot be negative")
    func implausible() throws {
        let swapped = Self.line(1, energy: "2", sum: ("0.5", "0.0", "1.5")).replacing(
            ",10.0,0.001,", with: ",0.001,10.0,")
        let negative = Self.line(2).replacing(",42.5,", with: ",-42.5,")
        let problems = try read([Self.columns, swapped, negative]).problems
        #expect(problems.count == 2)
        #expect(problems.first?.description.contains("W, which is impossible: are the columns shifted?") == true)
        #expect(problems.last?.description.contains("`cpu_power` is -42.5: it cannot be negative") == true)
    }

    @Test("Bad rows are named, and then nothing is imported")
    func badRows() throws {
        let problems = try read([
            Self.columns, Self.line(1), "a,b", Self.line(1).replacing("bert", with: "gpt"), Self.line(2, energy: "-1"),
            Self.line(3, energy: "nan"),
            Self.line(4),
        ]).problems
        #expect(
            problems.map(\.description) == [
                "\(path):3: 2 fields, where the header has 38",
                "\(path):4: the run id \(PaperLogs.id(1)) is in line 2 too, of another project; remove one",
                "\(path):5: `energy_consumed` is -1.0: it cannot be negative",
                "\(path):6: `energy_consumed` is \"nan\", which is not a number: are the columns shifted?",
            ])
    }

    @Test(
        "Files that are something else",
        arguments: [
            ("", "the file is empty"), ("a,b\n1,2\n", "no column `timestamp`"), (columns, "there is no run"),
            ("task_name,\(columns)\n", "log of the tasks"),
        ])
    func otherFiles(_ text: String, _ says: String) throws {
        let error = #expect(throws: ImportProblem.self) { try read([text]) }
        #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    }

    @Test("No file, and a directory")
    func noFile() {
        for (file, says) in [("/nonexistent/e.csv", "it is not there"), (directory.path, "this is not a file")] {
            let error = #expect(throws: ImportProblem.self) {
                try CodeCarbonImport.read(
                    file, CodeCarbonImport.Options(task: .fillMask, inferences: 1), version: "1.0")
            }
            #expect(error?.description == "\(file): \(says)")
        }
    }

    // MARK: Export

    private func export(_ filter: RunFilter = RunFilter()) async throws -> [[String: String]] {
        var export = Export(.codecarbon, of: record.store, filter: filter)
        var bytes: [UInt8] = []
        while let piece = try await export.next() { bytes += piece }
        let rows = try pythonReads(String(decoding: bytes, as: UTF8.self))
        #expect(rows.first?.joined(separator: ",") == Self.columns)
        return rows.dropFirst().map { row in Dictionary(zip(rows[0], row)) { $1 } }
    }

    @Test("What came from a log goes back as it was")
    func roundTrip() async throws {
        _ = try await read([Self.columns, Self.line(1)]).batch.write(to: record.store)
        let rows = try await export()
        let values = zip(
            Self.columns.split(separator: ","), Self.line(1).split(separator: ",", omittingEmptySubsequences: false))
        for (name, value) in values {
            let back = rows.first?[String(name)]
            if let number = Double(value) {
                #expect(
                    isClose(back.flatMap(Double.init), number) || (back == "" && number == 0), "\(name): \(back ?? "")")
            } else {
                #expect(back == String(value), "\(name)")
            }
        }
    }

    @Test("A run of ours: what it knows, and empty fields for the rest")
    func ours() async throws {
        func domain(_ id: String, _ scope: MeterScope, _ joules: Double, inTotal: Bool = true) -> DomainEnergy {
            DomainEnergy(
                id: id, name: id, scope: scope, kind: .counter, provenance: .measured, energy: Energy(joules: joules),
                uncertainty: .zero, accuracyUncertainty: .zero, coverage: 1, flags: [], inTotal: inTotal)
        }
        var measured = run(7200, model: "bert")
        measured.energy.domains = [
            domain("a", .package, 3600), domain("b", .dram, 1800), domain("c", .accelerator, 1800),
            domain("d", .system, 9000, inTotal: false),
        ]
        measured.energy.total.domainIDs = ["a", "b", "c"]
        let inventory = """
            {"cpu":{"model":"Some CPU","threads":8},"installed_memory_bytes":34359738368,
            "accelerators":[{"name":"A"},{"name":"A"},{"name":"B"}]}
            """
        let uuid = try record.suite(inventory: inventory)
        var load = measured
        load.stage = .load
        try record.add([load, measured], suite: uuid)
        let rows = try await export()
        #expect(rows.count == 1, "loading is no line")
        let row = try #require(rows.first)
        #expect(row["project_name"] == "bert")
        #expect(row["experiment_id"] == uuid)
        #expect(UUID(uuidString: row["run_id"] ?? "") != nil)
        #expect(row["timestamp"] == "2025-11-24T16:01:40")
        #expect(row["duration"] == "100")
        #expect(row["energy_consumed"] == "0.002")
        #expect(row["cpu_energy"] == "0.001")
        #expect(row["ram_energy"] == "0.0005")
        #expect(row["gpu_power"] == "18")
        #expect(row["cpu_count"] == "8")
        #expect(row["cpu_model"] == "Some CPU")
        #expect(row["gpu_count"] == "3")
        #expect(row["gpu_model"] == "2 x A + 1 x B")
        #expect(row["ram_total_size"] == "32")
        for name in ["emissions", "country_name", "python_version", "codecarbon_version", "water_consumed"] {
            #expect(row[name] == "", "\(name)")
        }
        let again = try await export()
        #expect(again == rows, "a run has the same id in every export")
    }

    @Test("Only what a table shows is a line, and what is left out is counted; what we write, we read")
    func results() async throws {
        try record.add([
            run(7200), run(0, seconds: 0, inferences: 0, status: .failed, error: "x"), run(7200, coverage: 0.5),
            run(7200, inferences: 0),
        ])
        var export = Export(.codecarbon, of: record.store)
        var bytes: [UInt8] = []
        while let piece = try await export.next() { bytes += piece }
        #expect(bytes.count { $0 == UInt8(ascii: "\n") } == 2)
        #expect(export.damaged == 0 && export.remarks.count == 1 && export.remarks[0].contains("3 runs"))
        let directory = try TemporaryDirectory(["/e.csv": String(decoding: bytes, as: UTF8.self)])
        let read = try CodeCarbonImport.read(
            directory.path + "/e.csv", CodeCarbonImport.Options(task: .fillMask, inferences: 100), version: "1.0")
        #expect(read.problems.isEmpty && read.batch.suites.flatMap(\.runs).count == 1)
    }

    @Test("Of a plug the parts are not known, and the line can be imported all the same")
    func wall() async throws {
        try record.add([run(7200, scope: .wall)])
        let row = try #require(try await export().first)
        #expect(row["cpu_energy"] == "")
        let line = Self.columns.split(separator: ",").map { row[String($0)] ?? "" }.joined(separator: ",")
        let contents = try read([Self.columns, line], inferences: 100)
        #expect(contents.problems.isEmpty)
        #expect(contents.batch.suites.first?.runs.first?.energy.total.energy == Energy(joules: 7200))
        #expect(contents.batch.suites.first?.runs.first?.energy.domains.isEmpty == true)
    }
}
