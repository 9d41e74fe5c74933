import Core
import Exchange
import Forwarding
import Host
import Hummingbird
import Recording

/// What is still to be sent on.
extension Routes {
    private static let mostEntries = 1000

    func addOutbox(to v1: RouterGroup<Context>) {
        v1.get("outbox") { _, _ in try Self.json(try store.outbox(limit: Self.mostEntries)) }
        // POST /v1/outbox?run=…&run=…: these too, and everything again without waiting
        v1.post("outbox") { request, _ in
            let names = request.uri.queryParameters.getAll("run")
            let suites = try await BundleWriter.suites(names, in: store)
            _ = try store.addToOutbox(suites, at: Clocks.wall())
            if let sender { _ = try await sender.retryAll() } else { _ = try store.retryOutbox(at: Clocks.wall()) }
            return try Self.json(try store.outboxSummary())
        }
    }
}
