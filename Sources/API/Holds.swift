package import Core
import Suites

/// POST /v1/hold: the queue starts no job meanwhile, since somebody else measures on this machine.
package struct HoldRequest: Sendable, Hashable, Codable {
    /// Of a hold that is there and goes on from now: whoever may die takes a short one, and asks again while it lives.
    package var id: String?
    /// Who holds it, for those who read what a job waits for.
    package var holder: String
    package var reason: String?
    /// How long from now it holds at most, in seconds.
    package var duration: Double

    package init(id: String? = nil, holder: String, reason: String? = nil, duration: Double) {
        self.id = id
        self.holder = holder
        self.reason = reason
        self.duration = duration
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, holder, reason
        case duration = "duration_s"
    }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseFields(besides: CodingKeys.allCases)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decodeIfPresent(String.self, forKey: .id)
        holder = try container.decode(String.self, forKey: .holder)
        reason = try container.decodeIfPresent(String.self, forKey: .reason)
        duration = try container.decode(Double.self, forKey: .duration)
    }

    /// A month: as long as a deadline may be away.
    package static let durations = 1.0...31 * 86_400
    /// Of a name and of a reason, in characters.
    package static let longestText = 255

    /// - Throws: `UserError` for what cannot be.
    package func check() throws(UserError) {
        guard Self.durations.contains(duration) else {
            throw UserError(.usage, "`duration_s` must be from 1 s to 31 days, not \(duration)")
        }
        for (key, text) in [("holder", holder), ("reason", reason ?? "-")] {
            // They are shown on terminals and in logs.
            guard (1...Self.longestText).contains(text.count), PrintableText.of(text) == text else {
                throw UserError(
                    .usage, "`\(key)` must be a text of 1 to \(Self.longestText) characters without control characters")
            }
        }
    }
}

/// A hold as it is told.
package struct HoldStatus: Sendable, Hashable, Codable {
    package var id: String
    package var holder: String
    package var reason: String?
    /// Seconds since 1970.
    package var since: Double
    package var until: Double

    package init(id: String, holder: String, reason: String?, since: Double, until: Double) {
        self.id = id
        self.holder = holder
        self.reason = reason
        self.since = since
        self.until = until
    }

    enum CodingKeys: String, CodingKey {
        case id, holder, reason
        case since = "since_unix_s"
        case until = "until_unix_s"
    }

    /// What a job waits for.
    package var words: String {
        "\(holder) to release the queue" + (reason.map { " (\($0))" } ?? "")
    }
}

/// The answer to POST /v1/hold.
package struct HoldTaken: Sendable, Hashable, Codable {
    package var hold: HoldStatus
    /// The job that runs all the same: it began before.
    package var runningJob: Int?

    package init(hold: HoldStatus, runningJob: Int?) {
        self.hold = hold
        self.runningJob = runningJob
    }

    enum CodingKeys: String, CodingKey {
        case hold
        case runningJob = "running_job"
    }
}

/// The answer to DELETE /v1/hold.
package struct HoldsReleased: Sendable, Hashable, Codable {
    package var released: [HoldStatus]

    package init(released: [HoldStatus]) { self.released = released }
}
