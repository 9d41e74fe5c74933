import API
import AsyncAlgorithms
import Core
import Foundation
import Hummingbird
import Listening
import Recording
import Running

/// What there is and what happens, for those who look on.
extension Routes {
    private static let mostRuns = 1000
    private static let aliveInterval = Duration.seconds(15)

    func addWatching(to v1: RouterGroup<Context>, _ followers: Places, _ asker: HeavyAnswers.Asker) {
        v1.get("machine") { _, _ in try Self.json(await looks.machine.value { await MachineStatus(machine) }) }
        v1.get("suites") { _, _ in try Self.json(try SuiteListing.shipped()) }
        // GET /v1/runs?limit=…&before=…, and the filters of the table
        v1.get("runs") { request, _ in
            let parameters = request.uri.queryParameters
            let filter = try RunFilter { parameters.get($0) }
            let limit = try Self.number("limit", in: request, 1...Self.mostRuns) ?? 100
            let before = try Self.number("before", in: request, 1...Int.max)
            return try await fromRecord(request, asker) {
                try Self.json(
                    try store.latestRuns(filter, before: before.map(Int64.init), limit: limit).map(RunListing.init))
            }
        }
        // GET /v1/samples/live?count=…
        v1.get("samples/live") { request, _ in
            let count = try Self.number("count", in: request, 1...Int.max)
            let place = try followers.place()
            let meters = metrics.meters
            return EventStream.response { writer in
                var left = count ?? .max
                while true {
                    let power = LivePower(meters, at: Date().timeIntervalSince1970)
                    try await writer.write(try EventStream.event(power))
                    left -= 1
                    guard left > 0, await EventStream.sleep(.seconds(AlwaysOnSampler.interval)) else { break }
                }
                _ = place
            }
        }
        // GET /v1/events?count=…
        v1.get("events") { request, _ in
            let count = try Self.number("count", in: request, 1...Int.max)
            let place = try followers.place()
            return EventStream.response { writer in
                let news = await queue.news()
                enum Item: Sendable {
                    case news(JobNews)
                    case nothing, end
                }
                let all = merge(
                    chain(news.map(Item.news), [Item.end].async),
                    AsyncTimerSequence(interval: Self.aliveInterval, clock: .continuous).map { _ in Item.nothing })
                var left = count ?? .max
                loop: for await item in all {
                    switch item {
                    case .news(let news):
                        try await writer.write(try EventStream.event(news))
                        left -= 1
                        if left == 0 { break loop }
                    case .nothing: try await writer.write(EventStream.nothing)
                    case .end: break loop
                    }
                }
                _ = place
            }
        }
    }

    static func number(_ name: String, in request: Request, _ range: ClosedRange<Int>) throws -> Int? {
        guard let text = request.uri.queryParameters.get(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let most = range.upperBound == .max ? "" : " to \(range.upperBound)"
            throw UserError(.usage, "\(name) must be a whole number from \(range.lowerBound)\(most), not \(text)")
        }
        return number
    }
}
