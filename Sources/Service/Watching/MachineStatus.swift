import Core
import Foundation
import Host
import Running

/// GET /v1/machine: this machine, as the record describes it with a suite that begins now.
struct MachineStatus: Sendable, Hashable, Codable {
    var name: String
    /// The parts that make it this machine.
    var inventory: JSONValue
    /// What can change from run to run.
    var state: JSONValue

    /// Reading the state asks drivers, which may take their time.
    init(_ machine: MachineRecord) async {
        name = machine.name
        inventory = Self.json(machine.inventory)
        state = Self.json(await offPool { machine.state() })
    }

    private static func json(_ text: String) -> JSONValue {
        (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) ?? .object([:])
    }
}
