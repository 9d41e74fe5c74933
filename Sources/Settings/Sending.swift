import Core
import Exchange
import Fetching
package import Forwarding
import Foundation
import Host
package import Listening
import PolledMeters
package import Recording

extension ForwardingConfiguration {
    /// How long a command that ends waits for its suites to be sent.
    package static let patience = Duration.seconds(60)

    /// Makes who sends the suites of a record on, and has the record keep what is to be sent; `nil` where nobody is to have them.
    ///
    /// - Parameters:
    ///   - listener: of this machine's daemon, by which Prometheus gets its metrics.
    ///   - version: of this program.
    package func sender(
        stateDirectory: String, listener: ListenerConfiguration?, version: String
    ) -> (@Sendable (Store) -> Sender)? {
        if destinations.isEmpty { return nil }
        return { [self] store in
            store.send(to: destinations)
            var transports: [OutboxDestination: any BundleTransport] = [:]
            if let collector {
                transports[.collector] = CollectorTransport(
                    HTTPClient(), collector.address,
                    token: collector.tokenFile.map { file in { @Sendable in try SecretFile.read(file) } },
                    isRedacted: collector.isRedacted, version: version,
                    metrics: "\(MetricsAddress(listener, hidesHost: collector.isRedacted))",
                    wallTime: { Clocks.wall() })
            }
            if let drop {
                transports[.drop] = DropTransport(directory: drop.directory, isRedacted: drop.isRedacted)
            }
            let spool = BundleSpool(store, directory: "\(stateDirectory)/outbox", version: version)
            return Sender(store, transports, spool: spool, wallTime: { Clocks.wall() })
        }
    }
}

extension OutboxSummary {
    /// What users see of it, in one line.
    ///
    /// - Parameter time: seconds since 1970.
    package func line(at time: Double) -> String {
        if isEmpty { return "nothing waits to be sent" }
        var parts: [String] = []
        if entries > 0 {
            let age = oldestAt.map { ", the oldest for \(DurationText.figure(max(0, time - $0)))" } ?? ""
            parts.append("\(FigureText.count(entries, "suite run")) to send\(age)")
        }
        if parked > 0 { parts.append("\(FigureText.count(parked, "suite run")) refused") }
        return parts.joined(separator: ", ") + (problem.map { ": \(PrintableText.oneLine($0))" } ?? "")
    }
}
