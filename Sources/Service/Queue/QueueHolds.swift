import Core
import Foundation
import Running

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
    fileprivate func check() throws(UserError) {
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

    enum CodingKeys: String, CodingKey {
        case hold
        case runningJob = "running_job"
    }
}

/// The answer to DELETE /v1/hold.
package struct HoldsReleased: Sendable, Hashable, Codable {
    package var released: [HoldStatus]
}

/// Who holds the queue. Each hold ends by itself, so that nobody has to be there to end it.
struct QueueHolds {
    /// More cannot measure on one machine at once and mean it.
    static let most = 64

    private struct Hold {
        var status: HoldStatus
        var end: MonotonicTime
    }

    /// In the order in which they came.
    private var holds: [Hold] = []

    /// - Parameters:
    ///   - id: of a new one.
    ///   - wall: the same moment in seconds since 1970.
    /// - Throws: `UserError` for what cannot be, and for the id of a hold that has ended; `Refusal` when there are too many.
    mutating func take(_ request: HoldRequest, id: String, at now: MonotonicTime, wall: Double) throws -> HoldStatus {
        try request.check()
        drop(endedBy: now)
        var hold = Hold(
            status: HoldStatus(
                id: id, holder: request.holder, reason: request.reason, since: wall, until: wall + request.duration),
            end: now.advanced(bySeconds: request.duration))
        guard let known = request.id else {
            guard holds.count < Self.most else { throw Refusal.busy("the queue has \(Self.most) holds", again: 60) }
            holds.append(hold)
            return hold.status
        }
        guard let index = holds.firstIndex(where: { $0.status.id == known }) else { throw Self.noHold }
        (hold.status.id, hold.status.since) = (known, holds[index].status.since)
        holds[index] = hold
        return hold.status
    }

    /// - Parameter id: `nil` for all.
    /// - Returns: those that it ended.
    /// - Throws: `UserError` where there is no hold of that id.
    mutating func release(_ id: String?, at now: MonotonicTime) throws(UserError) -> [HoldStatus] {
        drop(endedBy: now)
        let ended = holds.filter { id == nil || $0.status.id == id }.map(\.status)
        guard !ended.isEmpty || id == nil else { throw Self.noHold }
        holds.removeAll { hold in ended.contains { $0.id == hold.status.id } }
        return ended
    }

    func live(at now: MonotonicTime) -> [HoldStatus] { holds.filter { $0.end > now }.map(\.status) }

    private mutating func drop(endedBy now: MonotonicTime) { holds.removeAll { $0.end <= now } }

    private static let noHold = UserError(
        .notFound, "there is no such hold", remedy: "it ended, or was released; `taskwatt status` lists them")
}

extension JobQueue {
    /// Starts no job until the hold ends. The one that runs goes on.
    ///
    /// - Throws: `UserError`, `Refusal`.
    func hold(_ request: HoldRequest) throws -> HoldTaken {
        let hold = try changeHolds { holds, now, wall in
            try holds.take(request, id: UUID().uuidString.lowercased(), at: now, wall: wall)
        }
        return HoldTaken(hold: hold, runningJob: runningJob)
    }

    /// - Parameter id: `nil` for all.
    /// - Throws: `UserError` where there is no such hold.
    func release(_ id: String?) throws -> HoldsReleased {
        HoldsReleased(released: try changeHolds { holds, now, _ in try holds.release(id, at: now) })
    }
}
