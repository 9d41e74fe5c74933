import Core
import Foundation

/// The paper's logs (`data/emissions`), of which the runs of its Table 2 are brought into the record.
///
/// A run is of Table 2 if `complete/` has it in a file of one of the ten tasks with the right suffix, and its model is none
/// of the two that the table leaves out. Everything else is counted and not imported.
package struct PaperImport: Sendable {
    /// A run of Table 2, as `complete/` names it.
    package struct Planned: Sendable, Hashable {
        var runID: String
        var model: String
        var task: MLTask
        var dataset: String
        /// From 1, over the runs of one model and dataset.
        var repeatIndex: Int
        var file: String
        var line: Int
    }

    /// The runs of Table 2.
    package private(set) var runs: [Planned] = []
    /// How many runs are not imported, by the reason.
    package private(set) var passedOver: [String: Int] = [:]
    /// Rows and files that cannot be read.
    package private(set) var problems: [ImportProblem] = []

    private let directory: String
    private let version: String
    /// Where each run of `complete/` was found first.
    private var places: [String: String] = [:]
    private var repeats: [[String]: Int] = [:]

    /// The protocol of the paper: each run answers a thousand queries.
    private static let inferences = 1000

    /// Reads `complete/`, which says what there is.
    ///
    /// - Parameter version: of this program, for the record.
    /// - Throws: `ImportProblem` if the directory is not the paper's.
    package init(_ directory: String, version: String) throws(ImportProblem) {
        self.directory = directory
        self.version = version
        let base = try Self.names(directory, PaperLayout.baseDirectory)
        let complete = try Self.names(directory, PaperLayout.completeDirectory)
        for name in complete { read(complete: name) }
        let logs = Set(base.filter { $0.hasPrefix(PaperLayout.basePrefix) })
        guard !places.isEmpty, !logs.isEmpty else {
            throw problems.first
                ?? ImportProblem(
                    file: directory, reason: "there is no run in base/ and complete/; nothing was imported")
        }
        let known = Set(places.keys.map(PaperLayout.baseName))
        pass(logs.count { !known.contains($0.lowercased()) }, "in no file of complete/, so their task is unknown")
    }

    private static func names(_ directory: String, _ part: String) throws(ImportProblem) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(part)").sorted()
                .filter { $0.hasSuffix(".csv") && !$0.hasPrefix(".") }
        } catch {
            throw ImportProblem(
                file: directory,
                reason:
                    "\(part)/ cannot be read, so this is not the paper's data/emissions; give the directory with base/ "
                    + "and complete/ in it")
        }
    }

    private mutating func pass(_ count: Int, _ reason: String) {
        if count > 0 { passedOver[reason, default: 0] += count }
    }

    private mutating func read(complete name: String) {
        let file = "\(PaperLayout.completeDirectory)/\(name)"
        let kind = PaperLayout.kind(String(name.dropLast(".csv".count)))
        do throws(ImportProblem) {
            let contents = try FileContents("\(directory)/\(file)", name: file)
            var table = try CSVTable(contents.bytes, file: file, required: ["run_id", "project_name"])
            while true {
                do throws(ImportProblem) {
                    guard let row = try table.next() else { break }
                    try plan(row, kind)
                } catch {
                    problems.append(error)
                }
            }
        } catch {
            problems.append(error)
        }
    }

    /// Of a row of `complete/` nothing counts but what names the run: its figures hold the loading, and some were edited.
    private mutating func plan(_ row: CSVTable.Row, _ kind: PaperLayout.Kind) throws(ImportProblem) {
        let runID = try CodeCarbonRow.runID(row)
        let model = try row.text("project_name")
        let place = "\(row.file):\(row.line)"
        if let other = places.updateValue(place, forKey: runID) {
            // Which of the two is right cannot be known.
            runs.removeAll { $0.runID == runID }
            throw row.problem("the run id \(runID) is in \(other) too; neither is imported")
        }
        switch kind {
        case .otherStudy: pass(1, "of another study than Table 2")
        case .otherSetup: pass(1, "of another set-up than Table 2's")
        case .table2 where PaperLayout.isLeftOut(model): pass(1, "of models that Table 2 leaves out")
        case .table2(let task, let dataset):
            let index = repeats[[model, task.rawValue, dataset], default: 0] + 1
            repeats[[model, task.rawValue, dataset]] = index
            runs.append(
                Planned(
                    runID: runID, model: model, task: task, dataset: dataset, repeatIndex: index, file: row.file,
                    line: row.line))
        }
    }

    /// Reads a run's file of `base/`.
    ///
    /// Where `complete/` calls the model by another name than `base/`, as it does of one of the paper's, it is the correction:
    /// the paper's table of models has that name. `remark` says so.
    ///
    /// - Throws: `ImportProblem`; then nothing of the file may be imported.
    package func batch(_ run: Planned) throws(ImportProblem) -> (batch: ImportBatch, remark: String?) {
        let file = "\(PaperLayout.baseDirectory)/\(PaperLayout.baseName(run.runID))"
        guard FileManager.default.fileExists(atPath: "\(directory)/\(file)") else {
            throw ImportProblem(
                file: run.file, line: run.line, reason: "of its run \(run.runID) there is no file in base/")
        }
        let contents = try FileContents("\(directory)/\(file)", name: file)
        var table = try CSVTable(contents.bytes, file: file, required: ["task_name"] + CodeCarbonRow.required)
        let workload = WorkloadDescription(
            task: run.task, plugin: "codecarbon", model: run.model, dataset: run.dataset)
        var records: [RunRecord] = []
        var first: CodeCarbonRow?
        var end = -Double.infinity
        while let line = try table.next() {
            let row = try CodeCarbonRow(line)
            guard row.runID == run.runID else {
                throw line.problem("the run id is \(row.runID), but the file is of another run")
            }
            switch try line.text("task_name") {
            case "load model", "transfer model to GPU":
                records.append(try row.run(.load, workload: workload, inferences: 0))
            case "query model":
                guard !records.contains(where: { $0.stage == .query }) else {
                    throw line.problem("a second row of `query model`")
                }
                records.append(
                    try row.run(
                        .query, repeatIndex: run.repeatIndex, workload: workload, inferences: Self.inferences))
            case let other:
                throw line.problem(
                    "`task_name` is \"\(other.prefix(40))\", not load model, transfer model to GPU or query model")
            }
            first = first ?? row
            end = max(end, row.endedAt)
        }
        guard let first, records.contains(where: { $0.stage == .query }) else {
            throw ImportProblem(file: file, reason: "there is no row of `query model`: is the file cut short?")
        }
        let remark =
            first.project == run.model
            ? nil : "called \(first.project) in base/ and \(run.model) in complete/, which is taken"
        let batch = ImportBatch(
            source: .paper, file: file, sha256: contents.sha256, version: version,
            suites: [
                ImportedSuite(
                    uuid: run.runID, suite: "power-hungry-processing", machine: first.machine,
                    inventory: first.inventory, machineState: first.machineState,
                    startedAt: records.map(\.startedAt).min() ?? end, endedAt: end, runs: records)
            ])
        return (batch, remark)
    }
}
