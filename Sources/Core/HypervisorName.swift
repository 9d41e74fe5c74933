/// The hypervisor's name in a record, and as people read it.
package enum HypervisorName {
    /// One without a name. The words are part of the fingerprint of a machine: others would make another machine of each in the records.
    package static let unnamed = "a hypervisor that does not say its name"

    package static func shown(_ recorded: String) -> String { recorded == unnamed ? "unknown hypervisor" : recorded }
}
