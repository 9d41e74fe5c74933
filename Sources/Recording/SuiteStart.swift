package import Core

/// What is known when a suite begins.
package struct SuiteStart: Sendable {
    package var suite: String
    package var suiteText: String
    /// JSON of what the command line changed.
    package var options: String
    package var machineName: String
    /// JSON of the hardware; its hash tells machines apart.
    package var inventory: String
    /// JSON of governor, kernel and the like.
    package var machineState: String
    package var meters: [MeterDescription]
    package var version: String
    package var startedAt: Double
    package var source: RecordSource
    /// JSON of what `doctor` said before it began.
    package var preflight: String?
    /// What the user calls what was so.
    package var label: String?

    package init(
        suite: String, suiteText: String, options: String, machineName: String, inventory: String,
        machineState: String, meters: [MeterDescription], version: String, startedAt: Double,
        source: RecordSource = .taskwatt, preflight: String? = nil, label: String? = nil
    ) {
        self.suite = suite
        self.suiteText = suiteText
        self.options = options
        self.machineName = machineName
        self.inventory = inventory
        self.machineState = machineState
        self.meters = meters
        self.version = version
        self.startedAt = startedAt
        self.source = source
        self.preflight = preflight
        self.label = label
    }
}
