package import Core
import Foundation
import Recording

/// A window with all that an export of another layout may ask for; a line of `export --format jsonl`.
package struct ExportedRun: Sendable, Hashable, Codable {
    package var id: Int64
    package var suiteRun: String
    package var suite: String
    /// What the user calls it.
    package var label: String?
    package var source: RecordSource
    package var machine: String
    package var machineFingerprint: String
    package var version: String
    /// What was so when the suite began.
    package var machineState: JSONValue
    /// The machine's hardware.
    package var inventory: JSONValue
    package var record: RunRecord

    enum CodingKeys: String, CodingKey {
        case suite, label, source, machine, inventory, record
        case id = "run_id"
        case suiteRun = "suite_run"
        case machineFingerprint = "machine_fingerprint"
        case version = "taskwatt_version"
        case machineState = "machine_state"
    }

    /// Adds a line of JSON. The record and what belongs to it are copied as they are kept, so that nothing is lost.
    ///
    /// - Parameter beginning: of the window's suite.
    static func write(_ run: RecordPage.Run, _ beginning: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "{\"\(CodingKeys.id.rawValue)\":\(run.id)".utf8)
        bytes.append(contentsOf: beginning)
        bytes.append(contentsOf: run.record.utf8)
        bytes.append(contentsOf: "}\n".utf8)
    }

    /// What lines of a suite's windows have between their number and their record.
    static func beginning(_ suite: StoredSuite) -> [UInt8] {
        func text(_ text: String) -> String {
            // A string is JSON.
            (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
        }
        let parts: [(name: CodingKeys, value: String)] = [
            (.suiteRun, text(suite.uuid)), (.suite, text(suite.suite)), (.label, suite.label.map(text) ?? "null"),
            (.source, text(suite.source.rawValue)), (.machine, text(suite.machine)),
            (.machineFingerprint, text(suite.machineFingerprint)), (.version, text(suite.version)),
            (.machineState, object(suite.machineState)), (.inventory, object(suite.inventory)),
        ]
        let members = parts.map { ",\"\($0.name.rawValue)\":\($0.value)" }
        return Array("\(members.joined()),\"\(CodingKeys.record.rawValue)\":".utf8)
    }

    /// A document as it is kept, where it is an object on one line.
    private static func object(_ text: String) -> String {
        guard !text.utf8.contains(UInt8(ascii: "\n")),
            case .object? = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        else { return "{}" }
        return text
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return encoder
    }
}

extension RunRecord {
    /// Whether the window is one that a figure can be made of: it came to its end, and so did an inference, and the machine did
    /// not sleep.
    var isResult: Bool {
        status == .completed && completedInferences > 0 && !flags.contains(.suspended) && !flags.contains(.deadMeter)
    }
}

extension ExportedRun {
    init(_ run: RecordPage.Run, _ suite: StoredSuite) throws {
        let decoder = JSONDecoder()
        func value(_ text: String) -> JSONValue {
            (try? decoder.decode(JSONValue.self, from: Data(text.utf8))) ?? .object([:])
        }
        let record = try decoder.decode(RunRecord.self, from: Data(run.record.utf8))
        try record.validate()
        self.init(
            id: run.id, suiteRun: suite.uuid, suite: suite.suite, label: suite.label, source: suite.source,
            machine: suite.machine,
            machineFingerprint: suite.machineFingerprint, version: suite.version,
            machineState: value(suite.machineState), inventory: value(suite.inventory), record: record)
    }
}
