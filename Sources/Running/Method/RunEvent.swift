package import Core

/// What a run tells while it goes on, for a progress display or a stream of events.
package struct RunEvent: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Hashable, Codable {
        /// The suite begins, or waits in the queue.
        case queued, started
        case stage
        case progress
        /// A window is recorded; `run` holds it.
        case result
        /// Something that a user should read, such as a plugin writing its files.
        case message
        case finished
    }

    package var event: Kind
    package var task: MLTask?
    package var stage: RunStage?
    /// From 1.
    package var entry: Int?
    package var entries: Int?
    package var repeatIndex: Int?
    package var repeats: Int?
    package var completed: Int?
    package var total: Int?
    package var power: Power?
    package var remainingSeconds: Double?
    package var message: String?
    package var run: RunRecord?
    package var status: RunStatus?
    /// The record of the whole suite, to ask for its results.
    package var suiteRun: String?

    package init(_ event: Kind) { self.event = event }

    enum CodingKeys: String, CodingKey {
        case event, task, stage, entry, entries, repeats, completed, total, message, run, status
        case repeatIndex = "repeat"
        case power = "power_w"
        case remainingSeconds = "remaining_s"
        case suiteRun = "suite_run"
    }
}
