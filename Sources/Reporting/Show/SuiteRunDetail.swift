package import Core
import Foundation
package import Recording

/// All that is known of a suite beside its windows: what was asked for, and the machine it ran on.
package struct SuiteRunDetail: Sendable, Hashable, Codable {
    package var uuid: String
    package var suite: String
    /// What the user calls it.
    package var label: String?
    /// The suite's file, as it was read.
    package var suiteText: String
    /// What the command line changed.
    package var options: JSONValue
    package var source: RecordSource
    package var version: String
    /// Seconds since 1970.
    package var startedAt: Double
    package var endedAt: Double?
    package var status: String
    package var error: String?
    package var machine: String
    package var machineFingerprint: String
    package var inventory: JSONValue
    /// What was so when the suite began: governor, calibrations, GPUs.
    package var machineState: JSONValue
    /// What `doctor` said before it began; `nil` of records from before there was one.
    package var preflight: JSONValue?
    /// Every meter that this machine was measured with, by its latest description.
    package var meters: [MeterDescription]

    enum CodingKeys: String, CodingKey {
        case uuid, suite, label, options, source, version, status, error, machine, inventory, preflight, meters
        case suiteText = "suite_text"
        case startedAt = "started_at_unix_s"
        case endedAt = "ended_at_unix_s"
        case machineFingerprint = "machine_fingerprint"
        case machineState = "machine_state"
    }

    /// - Parameter uuid: the whole of it.
    /// - Returns: `nil` where the record has no such suite.
    package init?(_ store: any RecordReader, _ uuid: String) async throws(StoreError) {
        guard let suite = try await store.suite(uuid) else { return nil }
        self.uuid = uuid
        self.suite = suite.suite
        label = suite.label
        suiteText = suite.suiteText
        options = Self.value(suite.options)
        source = suite.source
        version = suite.version
        startedAt = suite.startedAt
        endedAt = suite.endedAt
        status = suite.status
        error = suite.error
        machine = suite.machine
        machineFingerprint = suite.machineFingerprint
        inventory = Self.value(suite.inventory)
        machineState = Self.value(suite.machineState)
        preflight = suite.preflight.map(Self.value)
        var latest: [String: MeterDescription] = [:]
        for meter in try await store.meters(ofSuite: uuid) { latest[meter.id] = meter }
        meters = latest.values.sorted { $0.id < $1.id }
    }

    /// The same for a report of many suites, which one whose row is damaged keeps nobody from: `nil` of it too.
    static func whole(_ store: any RecordReader, _ uuid: String) async throws(StoreError) -> SuiteRunDetail? {
        do throws(StoreError) {
            return try await SuiteRunDetail(store, uuid)
        } catch .damaged {
            return nil
        }
    }

    /// JSON as a value; what cannot be read as JSON is shown as the text that it is.
    private static func value(_ json: String) -> JSONValue {
        (try? JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))) ?? .string(json)
    }
}
