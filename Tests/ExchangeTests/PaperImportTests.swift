import Core
import Exchange
import Foundation
import Recording
import Reporting
import TestSupport
import Testing

@Suite("Import of the paper's logs")
struct PaperImportTests {
    private let record: TestRecord
    private let logs: PaperLogs

    init() throws {
        record = try TestRecord()
        logs = try PaperLogs()
    }

    /// Imports all that can be.
    private func importAll() async throws -> (
        paper: PaperImport, outcome: ImportOutcome, problems: [String], remarks: [String]
    ) {
        let paper = try PaperImport(logs.path, version: "1.0")
        var outcome = ImportOutcome()
        var problems = paper.problems
        var remarks: [String] = []
        for run in paper.runs {
            do throws(ImportProblem) {
                let (batch, remark) = try paper.batch(run)
                if let remark { remarks.append(remark) }
                do { outcome += try await batch.write(to: record.store) } catch { Issue.record("\(error)") }
            } catch {
                problems.append(error)
            }
        }
        return (paper, outcome, problems.map(\.description), remarks)
    }

    private var queries: [StoredRun] {
        get throws { try record.store.runs(RunFilter(stage: .query, source: .paper)) }
    }

    @Test("A run of the table: its stages, parts and machine")
    func oneRun() async throws {
        try logs.add("fillmask_c4", [(1, "bert-base", 0.002)])
        let (_, outcome, problems, _) = try await importAll()
        #expect(problems.isEmpty)
        #expect(outcome.added == 1)
        let runs = try record.store.runs()
        #expect(runs.map(\.record.stage) == [.load, .query])
        let query = try #require(runs.last)
        #expect(query.suiteRun == PaperLogs.id(1))
        #expect(query.source == .paper)
        #expect(query.machine == "8 x NVIDIA A100-SXM4-80GB")
        #expect(query.record.workload?.task == .fillMask)
        #expect(query.record.workload?.dataset == "c4")
        #expect(query.record.workload?.model == "bert-base")
        #expect(query.record.completedInferences == 1000)
        #expect(query.record.energy.total.energy == Energy(joules: 7200))
        #expect(query.record.energy.total.provenance == .estimated, "a total is as good as its worst part")
        #expect(query.record.energy.total.uncertainty == .zero)
        let domains = query.record.energy.domains
        #expect(domains.map(\.scope) == [.package, .accelerator, .dram])
        #expect(domains.map(\.provenance) == [.estimated, .measured, .estimated])
        #expect(domains.map(\.energy) == [900, 3600, 2700].map(Energy.init(joules:)))
        #expect(query.record.energy.window.durationSeconds == 8.5)
        // 20:20:30 less 8.5 s, in UTC.
        #expect(CSVWriter.time(query.record.startedAt) == "2023-10-02T20:20:21.500000Z")
        #expect(query.machineState.contains(#""country_iso_code":"USA""#))
        #expect(query.record.metrics["emissions_kg"] == 0.1)
    }

    @Test("Only Table 2's files and models, and the rest is counted")
    func whatIsOfTheTable() async throws {
        let files = [
            "text_classif_imdb", "qa_sciq", "fillmask_c4", "token_classif_wikiann", "image_class_cifar10_resized",
            "obj_detection_coco_resized", "textgen_oscar", "summarize_xsum_15", "itt_coco_resized",
            "tti_diffusiondb",
        ]
        for (index, file) in files.enumerated() { try logs.add(file, [(index, "m", Double(index + 1))]) }
        try logs.add("image_class_cifar10", [(20, "m", 1)])
        try logs.add("zeroshot_qa_sciq", [(21, "m", 1)])
        try logs.add(
            "tti_imagereward",
            [
                (22, "stabilityai/stable-diffusion-2-1-base", 1), (23, "SG161222/Realistic_Vision_V1.4", 1),
                (24, "segmind/tiny-sd", 1),
            ])
        try logs.base(30, PaperLogs.base(30, model: "m", kWh: 1))
        let (paper, outcome, problems, _) = try await importAll()
        #expect(problems.isEmpty)
        #expect(outcome.added == 11)
        #expect(paper.passedOver.values.sorted() == [1, 1, 1, 2])
        let means = Dictionary(grouping: try queries) { $0.record.workload?.task }.mapValues { runs in
            runs.map(\.record.energy.total.energy.kilowattHours).reduce(0, +) / Double(runs.count)
        }
        for (index, task) in MLTask.paperTasks.dropLast().enumerated() {
            #expect(isClose(means[task], Double(index + 1)), "\(task)")
        }
        #expect(isClose(means[.textToImage], 5.5))
    }

    @Test("Twice is once")
    func twice() async throws {
        try logs.add("fillmask_c4", [(1, "a", 0.002), (2, "a", 0.003)])
        #expect(try await importAll().outcome.added == 2)
        let before = try record.store.runs()
        let second = try await importAll().outcome
        #expect(second.added == 0)
        #expect(second.known == 2)
        #expect(try record.store.runs() == before)
    }

    @Test("Where the two directories call a model differently, complete/ is right")
    func renamed() async throws {
        try logs.add("summarize_cnn_15", [(1, "sshleifer/distilbart-xsum-12-6", 0.03)])
        try logs.base(1, PaperLogs.base(1, model: "sshleifer/distilbart-cnn-6-6", kWh: 0.03))
        let (_, _, problems, remarks) = try await importAll()
        #expect(problems.isEmpty)
        #expect(remarks.count == 1)
        #expect(try queries.first?.record.workload?.model == "sshleifer/distilbart-xsum-12-6")
    }

    @Test("Columns in another order, a byte order mark and blank lines are no matter")
    func otherOrder() async throws {
        try logs.add("fillmask_c4", [(1, "a", 0.002)])
        let lines = PaperLogs.base(1, model: "a", kWh: 0.002).split(separator: "\r\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).reversed().joined(separator: ",")
        }
        try logs.base(1, "\u{FEFF}\n" + lines.joined(separator: "\n\n"))
        #expect(try await importAll().problems.isEmpty)
        #expect(try queries.first?.record.energy.total.energy == Energy(joules: 7200))
    }

    /// What is done to the text of a file of `base/`, and what is said then.
    static let faults: [(name: String, change: @Sendable (String) -> String, says: String)] = [
        ("empty", { _ in "" }, ":1: the file is empty"),
        ("the header alone", { _ in PaperLogs.baseHeader }, "no row of `query model`"),
        ("no header", { $0.split(separator: "\r\n").dropFirst().joined(separator: "\n") }, "no column `task_name`"),
        (
            "a column's name is missing", { $0.replacing("energy_consumed", with: "energy") },
            ":1: the header has no column `energy_consumed`"
        ),
        ("a column twice", { $0.replacing("gpu_power,", with: "cpu_power,") }, "`cpu_power` twice"),
        (
            "a field too many", { $0.replacing("query model,", with: "query model,,") },
            ":3: 32 fields, where the header has 31"
        ),
        ("cut short", { String($0.prefix($0.count - 120)) }, ":3: "),
        (
            "cut between rows", { $0.split(separator: "\r\n").dropLast().joined(separator: "\n") },
            "no row of `query model`"
        ),
        (
            "a quote that is not closed", { $0.replacing("query model,", with: "\"query model,") },
            ":3: a quote is not closed"
        ),
        (
            "columns shifted",
            { $0.replacing(",8.5,0.1,0.01,", with: ",0.1,0.01,8.5,").replacing("0.00025,0.001,", with: "0.001,0.5,") },
            "are the columns shifted"
        ),
        ("a word for a number", { $0.replacing(",8.5,", with: ",eight,") }, ":2: `duration` is \"eight\""),
        ("not a number", { $0.replacing(",0.002,", with: ",NaN,") }, ":3: `energy_consumed` is \"NaN\""),
        ("infinite", { $0.replacing(",0.002,", with: ",inf,") }, "`energy_consumed` is \"inf\""),
        (
            "negative", { $0.replacing(",0.002,", with: ",-0.002,") },
            "`energy_consumed` is -0.002: it cannot be negative"
        ),
        ("more than can be", { $0.replacing(",0.002,", with: ",2e300,") }, "impossibly large"),
        ("an edited sum", { $0.replacing(",0.002,", with: ",0.0021,") }, "was a figure edited"),
        ("no energy", { $0.replacing(",0.002,", with: ",,") }, "`energy_consumed` is empty"),
        ("no duration", { $0.replacing(",8.5,", with: ",0,") }, "`duration` is 0"),
        ("no day", { $0.replacing("2023-10-02", with: "2023-02-30") }, "`timestamp` is \"2023-02-30"),
        ("another's run id", { $0.replacing(PaperLogs.id(1), with: PaperLogs.id(7)) }, "the file is of another run"),
        ("no run id", { $0.replacing(PaperLogs.id(1), with: "one") }, "`run_id` is \"one\", which is not a UUID"),
        ("another stage", { $0.replacing("query model,", with: "train model,") }, "`task_name` is \"train model\""),
        ("the query twice", { $0.replacing("load model,", with: "query model,") }, ":3: a second row of `query model`"),
    ]

    @Test("A file that cannot be read is named with its line, and nothing of it is imported", arguments: faults.indices)
    func fault(_ index: Int) async throws {
        let fault = Self.faults[index]
        try logs.add("fillmask_c4", [(1, "a", 0.002), (2, "b", 0.003)])
        let text = PaperLogs.base(1, model: "a", kWh: 0.002)
        let changed = fault.change(text)
        #expect(changed != text, "\(fault.name)")
        try logs.base(1, changed)
        let (_, outcome, problems, _) = try await importAll()
        #expect(problems.count == 1, "\(fault.name): \(problems)")
        #expect(problems.first?.contains(fault.says) == true, "\(fault.name): \(problems)")
        #expect(problems.first?.hasPrefix("base/emissions_base_\(PaperLogs.id(1)).csv:") == true, "\(problems)")
        #expect(outcome.added == 1)
        #expect(try record.store.runs().allSatisfy { $0.suiteRun == PaperLogs.id(2) })
    }

    @Test("Other encodings are read, and what is no text is named", arguments: ["UTF-16", "Latin-1", "binary"])
    func encodings(_ name: String) async throws {
        try logs.add("fillmask_c4", [(1, "bert-für-alle", 0.002)])
        let text = PaperLogs.base(1, model: "bert-für-alle", kWh: 0.002)
        let data: Data? =
            switch name {
            case "UTF-16": text.data(using: .utf16)
            case "Latin-1": text.data(using: .isoLatin1)
            default: Data([0x7F, 0x45, 0x4C, 0x46, 0, 0, 1, 2])
            }
        try logs.base(1, try #require(data))
        let problems = try await importAll().problems
        #expect(problems.count == (name == "binary" ? 1 : 0))
        #expect(problems.allSatisfy { $0.contains(":1: this is not text") })
        let models = try record.store.runs().compactMap(\.record.workload?.model)
        #expect(Set(models) == (name == "binary" ? [] : ["bert-für-alle"]))
    }

    @Test("A run id that complete/ has twice is imported from neither")
    func duplicates() async throws {
        try logs.add("fillmask_c4", [(1, "a", 0.002), (2, "a", 0.003)])
        try logs.add("qa_sciq", [(2, "a", 0.003)])
        let (_, outcome, problems, _) = try await importAll()
        #expect(outcome.added == 1)
        #expect(problems.count == 1)
        #expect(
            problems[0].hasPrefix(
                "complete/qa_sciq.csv:2: the run id \(PaperLogs.id(2)) is in complete/fillmask_c4.csv:3"))
    }

    @Test("A run without its file in base/, and a row of complete/ that is none")
    func missing() async throws {
        try logs.add("fillmask_c4", [(1, "a", 0.002), (2, "a", 0.003)])
        try FileManager.default.removeItem(atPath: logs.path + logs.baseFile(1))
        try logs.complete("qa_sciq", PaperLogs.completeHeader + "\nnonsense\n")
        let (_, outcome, problems, _) = try await importAll()
        #expect(outcome.added == 1)
        #expect(
            problems == [
                "complete/qa_sciq.csv:2: 1 fields, where the header has 31",
                "complete/fillmask_c4.csv:2: of its run \(PaperLogs.id(1)) there is no file in base/",
            ])
    }

    @Test("A directory that is not the paper's")
    func otherDirectory() throws {
        let other = try TemporaryDirectory(["/base/x.csv": "a,b\n"])
        for path in [other.path, "/nonexistent", logs.path] {
            #expect(throws: ImportProblem.self, "\(path)") { try PaperImport(path, version: "1.0") }
        }
    }

    @Test("A file that fails on the way in leaves nothing")
    func interrupted() async throws {
        try logs.add("fillmask_c4", [(1, "a", 0.002)])
        let paper = try PaperImport(logs.path, version: "1.0")
        var (batch, _) = try paper.batch(try #require(paper.runs.first))
        var second = batch.suites[0]
        second.uuid = PaperLogs.id(9)
        // JSON has no such number, so the record of it cannot be written.
        second.runs[1].energy.jitter = .nan
        batch.suites.append(second)
        await #expect(throws: (any Error).self) { try await batch.write(to: record.store) }
        #expect(try record.store.runs().isEmpty)
        #expect(try record.store.suiteRuns().isEmpty)
        // And it can be brought in afterwards.
        batch.suites.removeLast()
        #expect(try await batch.write(to: record.store).added == 1)
    }
}
