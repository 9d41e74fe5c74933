import API
import Core
import Foundation
import Listening
import Running

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
