package import Recording

/// A suite as it is sent.
package struct PackedBundle: Sendable, Hashable {
    /// The suite's UUID.
    package var suiteRun: String
    package var path: String
    package var bytes: Int64
    /// In hexadecimal, of the file.
    package var sha256: String

    package init(suiteRun: String, path: String, bytes: Int64, sha256: String) {
        self.suiteRun = suiteRun
        self.path = path
        self.bytes = bytes
        self.sha256 = sha256
    }
}

/// What came of sending a bundle once.
package enum Delivery: Sendable, Hashable {
    case taken
    /// It was sent before, and the answer was lost, or somebody else sent it.
    case alreadyThere
    /// Sent as it is it would be refused again.
    case refused(String)
    /// It is worth while to try again.
    ///
    /// - retryAfter: in seconds, where the destination says so.
    case postponed(String, retryAfter: Double?)
}

/// How bundles get to a destination.
package protocol BundleTransport: Sendable {
    /// Whether names, paths and addresses are left out of what is sent.
    var isRedacted: Bool { get }

    /// Sends one bundle, once.
    ///
    /// - Parameter waiting: what the destination is still to have, for those who watch it.
    func deliver(_ bundle: PackedBundle, waiting: OutboxSummary) async -> Delivery
}
