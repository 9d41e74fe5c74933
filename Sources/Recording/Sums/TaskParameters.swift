package import Core

/// Which of a plugin's parameters have to do with a task.
///
/// A record has every parameter that the plugin was given, so that a run over all tasks with `steps=20` has it of `fill-mask`
/// too, where it means nothing and must not keep two rows apart. The names are those of the plugins that come with Taskwatt.
package enum TaskParameters {
    private static let tasks: [String: Set<MLTask>] = [
        "steps": [.textToImage], "image_size": [.imageClassification, .objectDetection, .imageToText],
        "sequence_length": [
            .textClassification, .questionAnswering, .fillMask, .tokenClassification, .summarization,
        ],
        "guidance": [.textToImage], "guidance_scale": [.textToImage],
        "prompt_length": [.textGeneration, .summarization], "max_tokens": [.textGeneration, .summarization],
        "max_new_tokens": [.textGeneration], "max_length": [.summarization], "min_length": [.summarization],
        "caption_length": [.imageToText], "new_tokens": [.textGeneration, .summarization, .imageToText],
        "num_beams": [.textGeneration, .summarization, .imageToText],
    ]

    /// Whether a parameter of this name matters to some tasks only.
    static func isOfSome(_ name: String) -> Bool { tasks[name] != nil }

    /// Whether a parameter of this name may change what an inference of the task costs. Of a user's own task each may.
    package static func matters(_ name: String, to task: MLTask) -> Bool {
        guard MLTask.paperTasks.contains(task), let tasks = tasks[name] else { return true }
        return tasks.contains(task)
    }
}
