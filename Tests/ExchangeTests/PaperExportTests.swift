import Core
import Exchange
import Foundation
import Recording
import TestSupport
import Testing

@Suite("Export in the layout of the paper's logs")
struct PaperExportTests {
    private let record: TestRecord
    private let scratch: TemporaryDirectory
    private var target: String { scratch.path + "/logs" }

    init() throws {
        record = try TestRecord()
        scratch = try TemporaryDirectory()
    }

    private func export() async throws -> PaperExport {
        var paper = try PaperExport(directory: target)
        for run in try await exportedRuns(of: record.store) { try paper.add(run) }
        return paper
    }

    private func kWhPer1000(_ store: Store) throws -> [MLTask: [Double]] {
        let runs = try store.runs(RunFilter(stage: .query))
        return Dictionary(grouping: runs) { $0.record.workload?.task ?? .fillMask }.mapValues { runs in
            runs.map { run in
                let total = run.record.energy.total
                return total.energy.kilowattHours * 1000 / Double(run.record.completedInferences) / total.coverage
            }.sorted()
        }
    }

    @Test("A line of JSON has all that the record has")
    func jsonLines() async throws {
        let uuid = try record.suite("a \"suite\"\n", machine: "höst/1", inventory: #"{"cpu":{"model":"x"}}"#)
        try record.add([run(1, model: "a\u{2028}b", idle: 2, wall: (3, 1)), run(2, task: .textToImage)], suite: uuid)
        let lines = try await exportedRuns(of: record.store)
        let runs = try record.store.runs()
        #expect(lines.map(\.record) == runs.map(\.record))
        #expect(lines.map(\.id) == runs.map(\.id))
        #expect(lines.first?.suite == "a \"suite\"\n")
        #expect(lines.first?.machine == "höst/1")
        #expect(lines.first?.inventory == .object(["cpu": .object(["model": .string("x")])]))
    }

    @Test("Written and read back, every run of every task has the same figure")
    func roundTrip() async throws {
        var runs: [RunRecord] = []
        for (index, task) in MLTask.paperTasks.enumerated() {
            for (number, dataset) in ["a", "org/name b:c%", nil, "ü_15"].enumerated() {
                let model = "org/model-\(number)"
                runs.append(run(50, task: task, stage: .load, model: model, dataset: dataset, inferences: 0))
                for repeatIndex in 1...2 {
                    runs.append(
                        run(
                            Double(3600 * (index + 1) + 100 * number + repeatIndex), task: task, model: model,
                            dataset: dataset, inferences: 40 + 7 * number, coverage: number == 0 ? 0.995 : 1))
                }
            }
        }
        try record.add(runs)
        let paper = try await export()
        #expect(paper.runs == 80)
        #expect(paper.mixedTasks.isEmpty)

        let other = try TestRecord()
        let back = try PaperImport(target, version: "1.0")
        #expect(back.problems.isEmpty)
        #expect(back.passedOver.isEmpty)
        for run in back.runs { _ = try await back.batch(run).batch.write(to: other.store) }
        let (before, after) = (try kWhPer1000(record.store), try kWhPer1000(other.store))
        #expect(after.count == 10)
        for (task, figures) in before {
            for (a, b) in zip(figures, after[task] ?? []) { #expect(isClose(b, a), "\(task)") }
            #expect(after[task]?.count == figures.count)
        }
        let datasets = Set(try other.store.runs().compactMap(\.record.workload?.dataset))
        #expect(datasets == ["a", "org/name b:c%", "none", "ü_15"])
        #expect(
            try other.store.runs(RunFilter(stage: .load)).count == 40, "loading is there once, not with every repeat")
    }

    @Test("A script by the paper's rules reads the means")
    func script() async throws {
        for (task, energy) in [(MLTask.imageClassification, 360.0), (.summarization, 720.0)] {
            try record.add((1...3).map { run(energy * Double($0), task: task, dataset: "d") })
        }
        _ = try await export()
        let script = """
            import csv, glob, os, statistics, sys
            for task, pattern in (("image", "image_class_*_resized"), ("sum", "summarize_*_15")):
                values = []
                for file in glob.glob(os.path.join(sys.argv[1], "complete", pattern + ".csv")):
                    for run in csv.DictReader(open(file)):
                        for row in csv.DictReader(open(f"{sys.argv[1]}/base/emissions_base_{run['run_id']}.csv")):
                            if row["task_name"] == "query model": values.append(float(row["energy_consumed"]))
                print(task, len(values), round(statistics.mean(values), 9), round(statistics.stdev(values), 9))
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, target]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        // 360 J of 100 inferences are 0.001 kWh per 1,000.
        #expect(text == "image 3 0.002 0.001\nsum 3 0.004 0.002\n")
    }

    @Test("What no table has is left out, and what should not mix is named")
    func leftOut() async throws {
        try record.add([
            run(coverage: 0.98), run(status: .failed), run(inferences: 0), run(flags: [.suspended]), run(),
            run(provenance: .estimated), run(task: .textToImage),
        ])
        let paper = try await export()
        #expect(paper.runs == 3)
        #expect(paper.leftOut == 4)
        #expect(paper.mixedTasks == [.fillMask])
    }

    @Test("One that is given up leaves nothing, not even the directories that it made")
    func givenUp() async throws {
        try record.add([run()])
        func names() throws -> [String] { try FileManager.default.subpathsOfDirectory(atPath: scratch.path).sorted() }
        for directory in [target, "\(scratch.path)/deep/er/logs", "\(scratch.path)/deep/"] {
            var paper = try PaperExport(directory: directory)
            for run in try await exportedRuns(of: record.store) { try paper.add(run) }
            #expect(try names().contains { $0.hasSuffix(".csv") })
            paper.discard()
            #expect(try names().isEmpty, "\(directory)")
        }
        // What was there before stays.
        try scratch.write("/logs/notes.txt", "mine")
        let paper = try PaperExport(directory: target)
        paper.discard()
        #expect(try names() == ["logs", "logs/notes.txt"])
    }

    @Test("Nothing is added to what is there")
    func there() async throws {
        try record.add([run()])
        _ = try await export()
        let before = try FileManager.default.subpathsOfDirectory(atPath: target).sorted()
        #expect(throws: UserError.self) { try PaperExport(directory: target) }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: target).sorted() == before)
    }
}
