/// A machine of the record, as it is equipped.
package struct StoredMachine: Sendable, Hashable {
    package var fingerprint: String
    /// JSON.
    package var inventory: String
    /// JSON: what was so when its latest suite began, of those that knew of a measured peak if any did.
    package var state: String?
}
