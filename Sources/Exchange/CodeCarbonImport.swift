package import Core

/// A log of CodeCarbon (`emissions.csv`, from the 31 columns of its old versions to the 38 of 3.3), a run a line.
package enum CodeCarbonImport {
    /// What the log does not say.
    package struct Options: Sendable, Hashable {
        package var task: MLTask
        package var dataset: String?
        /// `nil`: the log's `project_name`.
        package var model: String?
        /// Queries that a line stands for.
        package var inferences: Int

        package init(task: MLTask, dataset: String? = nil, model: String? = nil, inferences: Int) {
            self.task = task
            self.dataset = dataset
            self.model = model
            self.inferences = inferences
        }
    }

    /// Reads a file whole.
    ///
    /// - Returns: what it holds, or the rows that cannot be read; then nothing of the file may be imported.
    /// - Throws: `ImportProblem` where the file as a whole cannot be read.
    package static func read(
        _ path: String, _ options: Options, version: String
    ) throws(ImportProblem) -> (batch: ImportBatch, problems: [ImportProblem]) {
        let contents = try FileContents(path, name: path)
        var table = try CSVTable(contents.bytes, file: path, required: CodeCarbonRow.required)
        guard !table.has("task_name") else {
            throw ImportProblem(
                file: path, line: 1,
                reason:
                    "this is CodeCarbon's log of the tasks of one run; give its emissions.csv, or for the paper's logs "
                    + "`taskwatt import paper`")
        }
        var problems: [ImportProblem] = []
        var suites: [ImportedSuite] = []
        var lines: [String: Int] = [:]
        while true {
            do throws(ImportProblem) {
                guard let line = try table.next() else { break }
                let row = try CodeCarbonRow(line)
                try row.checkPlausible()
                if let other = lines.updateValue(line.line, forKey: row.runID) {
                    throw line.problem(
                        "the run id \(row.runID) is in line \(other) too; CodeCarbon adds a line at each flush: keep the last"
                    )
                }
                suites.append(try suite(row, options))
            } catch {
                problems.append(error)
            }
        }
        if suites.isEmpty, problems.isEmpty {
            throw ImportProblem(file: path, reason: "there is no run after the header")
        }
        let batch = ImportBatch(
            source: .codecarbon, file: path, sha256: contents.sha256, version: version, suites: suites)
        return (batch, problems)
    }

    private static func suite(_ row: CodeCarbonRow, _ options: Options) throws(ImportProblem) -> ImportedSuite {
        let workload = WorkloadDescription(
            task: options.task, plugin: "codecarbon", model: options.model ?? row.project, dataset: options.dataset)
        let run = try row.run(.query, repeatIndex: 1, workload: workload, inferences: options.inferences)
        return ImportedSuite(
            uuid: row.runID, suite: "codecarbon", machine: row.machine, inventory: row.inventory,
            machineState: row.machineState, startedAt: run.startedAt, endedAt: row.endedAt, runs: [run])
    }
}
