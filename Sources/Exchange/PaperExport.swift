package import Core
import Foundation
import Glibc
import Host
import Reporting
import SystemPackage

/// Writes the runs in the two layouts of the paper's logs, `base/` and `complete/`, which `import paper` and scripts written
/// for those logs read.
///
/// The layout has no count of inferences: the paper's are a thousand a run. Energy and duration of a query window are scaled
/// to a thousand, and divided by the coverage, as in the table. Windows that are not in the table are left out.
package struct PaperExport: RunExporter {
    /// How many runs were written.
    package private(set) var runs = 0
    /// How many were left out: failed, without an inference, or seen for less than 99 %.
    package private(set) var leftOut = 0
    /// By task, what the layout cannot tell apart: scope, provenance, size and machine.
    private var kinds: [MLTask: Set<[String]>] = [:]

    private let hasRawCells: Bool
    private let directory: String
    /// Held open: what is written goes there, whatever their paths lead to by then.
    private let place: OpenDirectory
    private let parts: [String: OpenDirectory]
    /// Directories that were not there before, the deepest first.
    private let made: [String]
    /// Loading windows, by their suite and model, that no query window came after yet.
    private var loads: [[String]: [ExportedRun]] = [:]
    /// Of the suite that was seen last; loading belongs to the same suite.
    private var suiteRun = ""
    private var started: Set<String> = []

    /// Makes the directory, with `base` and `complete` in it.
    ///
    /// - Parameter hasRawCells: leaves texts as they are that a spreadsheet would take for formulas.
    /// - Throws: `UserError` where there are such already: what is there is never mixed with what is new.
    package init(directory: String, hasRawCells: Bool = false) throws(UserError) {
        self.hasRawCells = hasRawCells
        self.directory = directory
        made = Self.missing(directory)
        var parts: [String: OpenDirectory] = [:]
        do throws(FileProblem) {
            let place = try OpenDirectory(directory, making: 0o777)
            for part in [PaperLayout.baseDirectory, PaperLayout.completeDirectory] {
                if place.status(part) != nil {
                    throw FileProblem(cause: "\(directory)/\(part) is there already", remedy: "give a new directory")
                }
                parts[part] = try place.directory(part, making: 0o777)
            }
            self.place = place
        } catch {
            if parts.isEmpty { Self.remove(made) }
            throw UserError(error)
        }
        self.parts = parts
    }

    private static func missing(_ directory: String) -> [String] {
        var (path, missing): (String, [String]) = (directory, [])
        while !path.isEmpty, access(path, F_OK) != 0, errno == ENOENT {
            missing.append(path)
            let above = path.directoryPart
            if above == path { break }
            path = above
        }
        return missing
    }

    private static func remove(_ directories: [String]) { for path in directories where rmdir(path) != 0 { return } }

    /// Has all that was written outlast a power cut.
    package func finish() { sync() }

    /// Takes away what was written, so that the same can be tried again.
    package func discard() {
        for part in parts.keys { _ = place.remove(part) }
        Self.remove(made)
    }

    /// Adds a window, as `add` does; nothing of it goes anywhere else.
    package mutating func write(_ run: ExportedRun) throws -> [UInt8] {
        try add(run)
        return []
    }

    package var remarks: [String] {
        let left = leftOut == 0 ? [] : ["\(FigureText.count(leftOut, "run")) that no table shows left out"]
        guard runs > 0 else { return left }
        let written = "wrote \(FigureText.count(runs, "run")) to \(directory), each scaled to 1000 inferences"
        let mixed = mixedTasks.map(\.rawValue).joined(separator: ", ")
        let told = [([written] + left).joined(separator: "; ")]
        if mixed.isEmpty { return told }
        return told + [
            "the layout does not distinguish scope, provenance, size and machine, of which there are several for \(mixed); "
                + "choose by --machine, --size or --suite-run"
        ]
    }

    /// Adds a window; they come in the order of the record.
    package mutating func add(_ run: ExportedRun) throws(UserError) {
        guard let workload = run.record.workload else { return }
        if run.suiteRun != suiteRun {
            loads = [:]
            suiteRun = run.suiteRun
        }
        let key = [workload.task.rawValue, workload.plugin, workload.model ?? "", workload.dataset ?? ""]
        switch run.record.stage {
        case .load: if run.record.status == .completed { loads[key, default: []].append(run) }
        case .query: try add(query: run, workload, loads.removeValue(forKey: key) ?? [])
        case .idle, .warmUp, .idleAfter: break
        }
    }

    private mutating func add(
        query run: ExportedRun, _ workload: WorkloadDescription, _ loads: [ExportedRun]
    ) throws(UserError) {
        let record = run.record
        let total = record.energy.total
        guard record.isResult, total.isSeen else {
            leftOut += 1
            return
        }
        let factor = 1000 / Double(record.completedInferences) * total.scale
        var stages: [(name: String, fields: CodeCarbonFields)] = []
        let query: CodeCarbonFields
        do {
            for (index, load) in loads.enumerated() {
                stages.append((index == 0 ? "load model" : "transfer model to GPU", try CodeCarbonFields(load)))
            }
            query = try CodeCarbonFields(run, factor: factor)
        } catch {
            throw UserError(error)
        }
        stages.append(("query model", query))

        // All rows of a run have the query's id.
        let id = query.text("run_id")
        var base = CSVWriter(isRaw: hasRawCells)
        base.row(CodeCarbonColumns.base)
        for stage in stages {
            base.row(
                CodeCarbonColumns.base.map { column in
                    column == "task_name" ? stage.name : column == "run_id" ? id : stage.fields.text(column)
                })
        }
        try write(base.bytes, PaperLayout.baseDirectory, PaperLayout.baseName(id))

        var complete = CSVWriter(isRaw: hasRawCells)
        let name = "\(PaperLayout.completeName(workload.task, dataset: workload.dataset)).csv"
        if started.insert(name).inserted { complete.row(Array(CodeCarbonColumns.complete)) }
        complete.row(
            CodeCarbonColumns.complete.map { column in
                guard Self.sums.contains(column) else { return query.text(column) }
                let parts = stages.compactMap { Double($0.fields.text(column)) }
                return CSVWriter.number(parts.isEmpty ? nil : parts.reduce(0, +))
            })
        try write(complete.bytes, PaperLayout.completeDirectory, name)
        runs += 1
        kinds[workload.task, default: []].insert([
            total.scope.rawValue, total.provenance.rawValue, workload.size ?? "", run.machineFingerprint,
        ])
    }

    /// Of the stages of a run, what the whole has the sum of.
    private static let sums: Set<String> = [
        "duration", "emissions", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed",
    ]

    /// The tasks of which one file would mix what no mean should.
    package var mixedTasks: [MLTask] {
        kinds.filter { $0.value.count > 1 }.keys.sorted { $0.rawValue < $1.rawValue }
    }

    private func write(_ bytes: [UInt8], _ part: String, _ name: String) throws(UserError) {
        guard let place = parts[part] else { return }
        do {
            let file = try place.file(name, O_WRONLY | O_CREAT | O_APPEND, mode: 0o666)
            _ = try file.closeAfter { try file.writeAll(bytes) }
        } catch {
            throw UserError(
                .failed, "\(place.path)/\(name) cannot be written", remedy: "make room, or give a shorter name")
        }
    }
}
