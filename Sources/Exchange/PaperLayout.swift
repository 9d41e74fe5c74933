import Core
import Foundation

/// How the logs of Luccioni et al. (github.com/sashavor/co2_inference, `data/emissions`) name their files.
///
/// `base/emissions_base_<run_id>.csv` has a row per stage of a run; `complete/<task>_<dataset>.csv` has a row per run with
/// loading in it, and says by `run_id` which task and dataset a run was of.
enum PaperLayout {
    static let baseDirectory = "base"
    static let completeDirectory = "complete"
    static let basePrefix = "emissions_base_"

    /// The prefix of a task's files, and the suffix of those that the paper's Table 2 was made of.
    struct TaskFiles: Sendable {
        var task: MLTask
        var prefix: String
        var suffix = ""
    }

    static let tasks = [
        TaskFiles(task: .textClassification, prefix: "text_classif_"),
        TaskFiles(task: .questionAnswering, prefix: "qa_"),
        TaskFiles(task: .fillMask, prefix: "fillmask_"),
        TaskFiles(task: .tokenClassification, prefix: "token_classif_"),
        TaskFiles(task: .imageClassification, prefix: "image_class_", suffix: "_resized"),
        TaskFiles(task: .objectDetection, prefix: "obj_detection_", suffix: "_resized"),
        TaskFiles(task: .textGeneration, prefix: "textgen_"),
        TaskFiles(task: .summarization, prefix: "summarize_", suffix: "_15"),
        TaskFiles(task: .imageToText, prefix: "itt_", suffix: "_resized"),
        TaskFiles(task: .textToImage, prefix: "tti_"),
    ]

    /// Two of the ten models of image generation, which Table 2 leaves out.
    static let leftOutModels: Set<String> = ["stable-diffusion-2-1-base", "Realistic_Vision_V1.4"]

    static func isLeftOut(_ model: String) -> Bool {
        leftOutModels.contains(String(model.split(separator: "/").last ?? ""))
    }

    /// What a file of `complete/` holds.
    enum Kind: Hashable {
        case table2(task: MLTask, dataset: String)
        /// Of another set-up of one of the ten tasks, such as images in their full size.
        case otherSetup
        /// Of another study, such as `zeroshot_…`.
        case otherStudy
    }

    /// - Parameter name: the file's, without `.csv`.
    static func kind(_ name: String) -> Kind {
        guard let files = tasks.first(where: { name.hasPrefix($0.prefix) }) else { return .otherStudy }
        let rest = name.dropFirst(files.prefix.count)
        guard rest.hasSuffix(files.suffix), rest.count > files.suffix.count else { return .otherSetup }
        let dataset = String(rest.dropLast(files.suffix.count))
        return .table2(task: files.task, dataset: PercentEncoding.decoded(dataset))
    }

    /// The name of the file of a task and dataset, without `.csv`; `kind` reads it back. What a file's name cannot hold is
    /// percent-encoded. A task that the paper does not have goes by its id.
    static func completeName(_ task: MLTask, dataset: String?) -> String {
        func encoded(_ text: String) -> String { PercentEncoding.encoded(text, keeping: " ") }
        let files = tasks.first { $0.task == task }
        return (files?.prefix ?? encoded(task.rawValue) + "_") + encoded(dataset ?? "none") + (files?.suffix ?? "")
    }

    static func baseName(_ runID: String) -> String { "\(basePrefix)\(runID).csv" }
}
