package import Core
import Reporting

/// The runs as lines of AI Energy Score's results (`master_results.csv` of its batch runner), and beside them the two columns
/// of its leaderboard's files.
///
/// That project's score is the energy of the accelerators alone, so a run of which no accelerator's meter saw all has no
/// line: what the processor or the whole machine took would be read as a GPU's.
package struct AIEnergyScoreExport: RunExporter {
    /// How many lines were written.
    package private(set) var runs = 0
    /// Runs that are no result: failed, void, or without an inference.
    package private(set) var failed = 0
    /// Runs that no accelerator's meter saw, or not all of.
    package private(set) var withoutAccelerator = 0
    /// Tasks of which that project has none.
    package private(set) var otherTasks: Set<MLTask> = []
    /// Whether a line's energy was estimated, which the layout cannot tell.
    package private(set) var hasEstimates = false

    private let hasRawCells: Bool

    /// - Parameter hasRawCells: leaves texts as they are that a spreadsheet would take for formulas.
    package init(hasRawCells: Bool = false) { self.hasRawCells = hasRawCells }

    package var header: [UInt8] { CSVWriter.line(Self.columns, isRaw: hasRawCells) }

    package mutating func write(_ run: ExportedRun) -> [UInt8] {
        fields(run).map { CSVWriter.line($0, isRaw: hasRawCells) } ?? []
    }

    package var remarks: [String] {
        var left: [String] = []
        if withoutAccelerator > 0 {
            left.append("\(withoutAccelerator) without a complete accelerator reading (the score is for GPUs only)")
        }
        if failed > 0 { left.append("\(failed) failed or void") }
        if !otherTasks.isEmpty {
            left.append("the tasks \(Self.names(otherTasks)) (that score has \(Self.names(Self.tasks.keys)))")
        }
        return (left.isEmpty ? [] : ["left out: \(left.joined(separator: "; "))"])
            + (hasEstimates ? ["some energies are estimated, which the layout cannot show"] : [])
    }

    private static func names(_ tasks: some Sequence<MLTask>) -> String {
        tasks.map(\.rawValue).sorted().joined(separator: ", ")
    }

    package static let columns = [
        "model_name", "model_class", "task", "reasoning_state", "total_prompts", "successful_prompts", "failed_prompts",
        "total_duration_seconds", "avg_latency_seconds", "total_tokens", "total_prompt_tokens",
        "total_completion_tokens", "throughput_tokens_per_second", "gpu_energy_wh", "co2_emissions_g",
        "tokens_per_joule", "avg_energy_per_prompt_wh", "timestamp", "error_message", "model", "total_gpu_energy",
    ]

    /// Its names of the tasks: the batch runner's where that has one, else those of its configurations.
    private static let tasks: [MLTask: String] = [
        .textGeneration: "text_gen", .textToImage: "image_gen", .textClassification: "text_classification",
        .questionAnswering: "question_answering", .summarization: "summarization",
        .imageClassification: "image_classification", .objectDetection: "object_detection",
        .imageToText: "image_captioning", MLTask(rawValue: "automatic-speech-recognition"): "asr",
        MLTask(rawValue: "sentence-similarity"): "sentence_similarity",
    ]

    /// The line of a run; `nil` where that project has none for it.
    package mutating func fields(_ run: ExportedRun) -> [String]? {
        let record = run.record
        guard record.stage == .query, let workload = record.workload else { return nil }
        guard let task = Self.tasks[workload.task] else {
            otherTasks.insert(workload.task)
            return nil
        }
        guard record.isResult else {
            failed += 1
            return nil
        }
        let inferences = Double(record.completedInferences)
        let accelerators = record.energy.components(.accelerator)
        guard !accelerators.isEmpty, accelerators.allSatisfy({ $0.coverage >= Thresholds.leastCoverage }) else {
            withoutAccelerator += 1
            return nil
        }
        if accelerators.contains(where: { $0.provenance == .estimated }) { hasEstimates = true }
        runs += 1

        // As in the table, what the meter did not see is taken to be as what it saw.
        let joules = accelerators.map { $0.energy.joules / $0.coverage }.reduce(0, +)
        let seconds = record.energy.window.durationSeconds
        let input = record.metrics["input_tokens"] ?? 0
        let output = record.metrics["output_tokens"] ?? 0
        let tokens = input + output
        let model = workload.model ?? workload.plugin
        let number = CSVWriter.number
        return [
            model, "", task, "", String(record.completedInferences.addingSaturated(record.failedInferences)),
            String(record.completedInferences), String(record.failedInferences), number(seconds),
            number(record.latency?.mean ?? seconds / inferences), number(tokens), number(input), number(output),
            number(seconds > 0 ? tokens / seconds : nil), number(joules / 3600), "",
            number(joules > 0 ? tokens / joules : nil), number(joules / 3600 / inferences),
            CSVWriter.time(record.startedAt + seconds), "", model, number(joules / 3.6e6 * 1000 / inferences),
        ]
    }
}
