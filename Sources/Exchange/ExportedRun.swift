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
    /// - Returns: false, and nothing is added, where the record is no object of JSON on one line.
    static func write(
        _ run: RunPage.Run, _ suite: StoredSuite, record: ArraySlice<UInt8>, to bytes: inout [UInt8]
    ) -> Bool {
        guard JSONScanner.isObject(record) else { return false }
        func text(_ text: String) -> [UInt8] {
            // A string is JSON.
            (try? encoder.encode(text)).map(Array.init) ?? Array("\"\"".utf8)
        }
        func object(_ text: String) -> [UInt8] {
            let bytes = Array(text.utf8)
            return JSONScanner.isObject(bytes[...]) ? bytes : Array("{}".utf8)
        }
        let parts: [(name: CodingKeys, value: [UInt8])] = [
            (.id, Array(String(run.id).utf8)), (.suiteRun, text(suite.uuid)), (.suite, text(suite.suite)),
            (.label, suite.label.map(text) ?? Array("null".utf8)),
            (.source, text(suite.source.rawValue)), (.machine, text(suite.machine)),
            (.machineFingerprint, text(suite.machineFingerprint)), (.version, text(suite.version)),
            (.machineState, object(suite.machineState)), (.inventory, object(suite.inventory)),
        ]
        for (index, part) in parts.enumerated() {
            bytes.append(UInt8(ascii: index == 0 ? "{" : ","))
            bytes.append(contentsOf: "\"\(part.name.rawValue)\":".utf8)
            bytes.append(contentsOf: part.value)
        }
        bytes.append(contentsOf: ",\"\(CodingKeys.record.rawValue)\":".utf8)
        bytes.append(contentsOf: record)
        bytes.append(contentsOf: "}\n".utf8)
        return true
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
    init(_ run: RunPage.Run, _ suite: StoredSuite, record: ArraySlice<UInt8>) throws {
        let decoder = JSONDecoder()
        func value(_ text: String) -> JSONValue {
            (try? decoder.decode(JSONValue.self, from: Data(text.utf8))) ?? .object([:])
        }
        let record = try decoder.decode(RunRecord.self, from: Data(record))
        try record.validate()
        self.init(
            id: run.id, suiteRun: suite.uuid, suite: suite.suite, label: suite.label, source: suite.source,
            machine: suite.machine,
            machineFingerprint: suite.machineFingerprint, version: suite.version,
            machineState: value(suite.machineState), inventory: value(suite.inventory), record: record)
    }
}
