import Core
import Foundation
import Listening
package import Recording
import Reporting

/// The machines that Prometheus scrapes, for its `file_sd_configs`: those that are enrolled and not revoked.
///
/// Their labels are few for good: the name of a machine, and its class. What changes from run to run, such as the number of a job, would
/// make new series each time.
package struct ScrapeTargets: Sendable, Hashable {
    package struct Group: Sendable, Hashable, Codable {
        package var targets: [String]
        package var labels: [String: String]
    }

    /// In the order of the machines' names.
    package private(set) var groups: [Group] = []
    /// Machines that serve their metrics nowhere that another one could reach.
    package private(set) var unreachable: [String] = []

    /// The port of machines that have not told theirs.
    package static let usualPort = MetricsAddress.usualPort

    /// - Parameters:
    ///   - machines: as the collector knows them.
    ///   - fleet: as the record knows them.
    ///   - port: of machines that have not told theirs.
    package init(_ machines: [EnrolledMachine], _ fleet: [FleetMachine], port: Int = usualPort) {
        let members = FleetMembers(fleet)
        for machine in machines where machine.revokedAt == nil {
            var labels = ["machine": machine.name]
            // The same text as that of taskwatt_machine_info.
            labels["class"] = members.latest(of: machine).flatMap(members.equipment)
            let address: ListenAddress
            switch machine.metrics.flatMap(MetricsAddress.init) {
            case .served(let scheme, let host, let told):
                address = ListenAddress(host: host ?? machine.name, port: told)
                // It has precedence over the `scheme` of the job, and is no label of the series.
                labels["__scheme__"] = scheme.rawValue
            case MetricsAddress.none?:
                unreachable.append(machine.name)
                continue
            case nil:
                address = ListenAddress(host: machine.name, port: port)
            }
            groups.append(Group(targets: ["\(address)"], labels: labels))
        }
    }

    /// JSON, the same to the byte for the same machines.
    package func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(groups)) + Array("\n".utf8)
    }
}

/// The machines of a record by the names that a collector has for them.
struct FleetMembers {
    private var machines: [String: FleetMachine] = [:]
    /// The classes by inventories, of which a fleet has few.
    private var classes: [String: String] = [:]

    init(_ fleet: [FleetMachine]) {
        for machine in fleet {
            if classes[machine.inventory] == nil {
                classes[machine.inventory] = MachineClass(inventory: machine.inventory)?.text
            }
            // One that was equipped anew is there twice.
            if let known = machines[machine.name], (known.latest?.startedAt ?? 0) > (machine.latest?.startedAt ?? 0) {
                continue
            }
            machines[machine.name] = machine
        }
    }

    /// The class of a machine; `nil` where its inventory does not tell.
    func equipment(_ machine: FleetMachine) -> String? { classes[machine.inventory] }

    /// As the machine was equipped when its latest suite began; `nil` where nothing has come of it.
    func latest(of machine: EnrolledMachine) -> FleetMachine? {
        machine.machines.compactMap { machines[$0] }.max {
            ($0.latest?.startedAt ?? 0, $0.fingerprint) < ($1.latest?.startedAt ?? 0, $1.fingerprint)
        }
    }
}
