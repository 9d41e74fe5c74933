import API
import Running

/// GET /v1/events, one each: at first all jobs as they are, then the one in which something happened, and what.
struct JobNews: Sendable, Hashable, Codable {
    var jobs: [JobStatus]
    var event: RunEvent?
    /// Who holds the queue; `nil` where that has not changed.
    var holds: [HoldStatus]?
}
