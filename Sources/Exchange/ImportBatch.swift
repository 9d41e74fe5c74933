package import Core
import Foundation

/// A suite that was measured elsewhere, as it goes into the record.
package struct ImportedSuite: Sendable, Hashable, Codable {
    /// By which it is known again; the run id of a log of CodeCarbon.
    package var uuid: String
    package var suite: String
    package var machine: String
    /// JSON of the machine's hardware.
    package var inventory: String
    /// JSON of what was so when it ran.
    package var machineState: String
    /// Seconds since 1970.
    package var startedAt: Double
    package var endedAt: Double
    package var runs: [RunRecord]

    enum CodingKeys: String, CodingKey {
        case uuid, suite, machine, inventory, runs
        case machineState = "machine_state"
        case startedAt = "started_at_unix_s"
        case endedAt = "ended_at_unix_s"
    }
}

/// What one file brings, read and checked: POST /v1/imports has a list of them.
package struct ImportBatch: Sendable, Hashable, Codable {
    package var source: RecordSource
    /// As the user named the file.
    package var file: String
    package var sha256: String
    /// Of the program that read the file.
    package var version: String
    package var suites: [ImportedSuite]
}

extension ImportedSuite: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        for (key, text) in [("uuid", uuid), ("suite", suite), ("machine", machine)] { bounds.text(key, text) }
        bounds.number("started_at_unix_s", startedAt, Bounds.unixSeconds)
        bounds.number("ended_at_unix_s", endedAt, Bounds.unixSeconds)
        for (key, text) in [("inventory", inventory), ("machine_state", machineState)] {
            bounds.rule(key, (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) != nil, "is not JSON")
        }
        for (index, run) in runs.enumerated() { bounds.inside("runs[\(index)]", run.check) }
    }
}

extension ImportBatch: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        for (key, text) in [("file", file), ("sha256", sha256), ("version", version)] { bounds.text(key, text) }
        for (index, suite) in suites.enumerated() { bounds.inside("suites[\(index)]", suite.check) }
    }
}
