package import Core

/// A log of CodeCarbon (`emissions.csv`, from the 12 columns of its versions 1 to the 38 of 3.3), a run a line.
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
    /// What a file holds.
    package struct Contents: Sendable {
        package var batch: ImportBatch
        /// The lines that cannot be read. Unless the user says to leave them out, nothing of the file may be imported then.
        package var problems: [ImportProblem]
        /// Of how many lines what must be known, by what.
        package var remarks: [String: Int]
    }

    /// Reads a file whole.
    ///
    /// - Throws: `ImportProblem` where the file as a whole cannot be read.
    package static func read(_ path: String, _ options: Options, version: String) throws(ImportProblem) -> Contents {
        let contents = try FileContents(path, name: path)
        var table = try CSVTable(contents.bytes, file: path, required: CodeCarbonRow.leastRequired)
        let isOfTasks =
            "this is CodeCarbon's log of the tasks of one run; give its emissions.csv, or for the paper's logs "
            + "`taskwatt import paper`"
        guard !table.has("task_name") else { throw ImportProblem(file: path, line: 1, reason: isOfTasks) }
        var problems: [ImportProblem] = []
        var lines: [CSVTable.Row] = []
        while true {
            do throws(ImportProblem) {
                guard let line = try table.next() else { break }
                // One may have been pasted behind another.
                if table.has("task_name") { throw line.problem(isOfTasks) }
                lines.append(line)
            } catch {
                problems.append(error)
            }
        }
        var log = RunsOfALog()
        // Whether the day or the month comes first is the same in all lines, and some of them may tell.
        let order = SlashDate.Order(of: lines.lazy.compactMap { $0["timestamp"] })
        for line in lines {
            do throws(ImportProblem) {
                let row = try CodeCarbonRow(line, model: options.model, takesAnyID: true, slashes: order)
                try row.checkPlausible()
                try log.add(row)
            } catch {
                problems.append(error)
            }
        }
        guard !log.rows.isEmpty || !problems.isEmpty else {
            throw ImportProblem(file: path, reason: "there is no run after the header")
        }
        var suites: [ImportedSuite] = []
        for row in log.rows {
            do throws(ImportProblem) { suites.append(try suite(row, options)) } catch { problems.append(error) }
        }
        problems.sort { ($0.line ?? 0) < ($1.line ?? 0) }
        let batch = ImportBatch(
            source: .codecarbon, file: path, sha256: contents.sha256, version: version, suites: suites)
        return Contents(batch: batch, problems: problems, remarks: log.remarks)
    }

    /// The runs of a log, each once.
    ///
    /// CodeCarbon adds a line at each flush and one at the end, all with the run's id and each with the energy and the time since
    /// its start. So the last counts, which is the one of the longest time.
    private struct RunsOfALog {
        private(set) var rows: [CodeCarbonRow] = []
        private var places: [String: Int] = [:]
        private var flushed: Set<String> = []
        private var nameless = 0
        private var renamed = 0

        var remarks: [String: Int] {
            [
                "flushed more than once: the last line counts": flushed.count,
                "without an id: each such line is a run": nameless,
                "with an id that is not a UUID: one is made of it": renamed,
            ].filter { $0.value > 0 }
        }

        mutating func add(_ row: CodeCarbonRow) throws(ImportProblem) {
            guard let place = places[row.runID] else {
                places[row.runID] = rows.count
                rows.append(row)
                if !row.hasOwnID { nameless += 1 }
                if row.hasMadeID, row.hasOwnID { renamed += 1 }
                return
            }
            let other = rows[place]
            guard other.project == row.project else {
                throw row.row.problem(
                    "the run id \(row.runID) is in line \(other.row.line) too, of another project; remove one")
            }
            let (first, last) = other.duration <= row.duration ? (other, row) : (row, other)
            // What a run has consumed does not become less, but for digits.
            guard last.energy >= first.energy * (1 - 1e-6) - row.row.rounding("energy_consumed") else {
                throw row.row.problem(
                    "the run id \(row.runID) is in line \(other.row.line) too, and the longer of the two has less energy; "
                        + "remove one")
            }
            if other.row.fields != row.row.fields { flushed.insert(row.runID) }
            rows[place] = last
        }
    }

    private static func suite(_ row: CodeCarbonRow, _ options: Options) throws(ImportProblem) -> ImportedSuite {
        // A line at a run's start says so too; that the whole run took nothing, no meter says.
        guard row.energy > 0 else {
            throw row.row.problem("`energy_consumed` is 0: nothing was measured")
        }
        let workload = WorkloadDescription(
            task: options.task, plugin: "codecarbon", model: options.model ?? row.project, dataset: options.dataset)
        let run = try row.run(.query, repeatIndex: 1, workload: workload, inferences: options.inferences)
        let suite = ImportedSuite(
            uuid: row.runID, suite: "codecarbon", machine: row.machine, inventory: row.inventory,
            machineState: row.machineState, startedAt: run.startedAt, endedAt: row.endedAt, runs: [run])
        if let problem = suite.outOfBounds { throw row.row.problem("\(problem): are the columns shifted?") }
        return suite
    }
}
