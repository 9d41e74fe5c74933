import Core
import Foundation

/// A chassis of a BMC: the machine, a part of it, or what holds several machines.
///
/// `Chassis` of DSP8010: `ChassisType`; `Links.ContainedBy`, `Links.Contains` and `Links.ComputerSystems`.
struct RedfishChassis: Sendable {
    enum Kind: Sendable {
        case machine
        case part
        /// A rack, an enclosure of blades.
        case group
        /// The BMC does not say.
        case unknown
    }

    let path: String
    let resource: JSONValue
    let kind: Kind
    private let containedBy: String?
    private let contains: [String]
    private let systems: Int
    /// Its type, or its name where that says more.
    var isNamedAsPart: Bool { kind == .part || (systems == 0 && PartWords.isPart(name)) }

    /// The last part of its path, as the user gives it.
    var name: String { PercentEncoding.decoded(path.lastPathPart) }

    init(path: String, _ resource: JSONValue) {
        self.path = path.withoutLastSlash
        self.resource = resource
        let links = resource["Links"]
        containedBy = links?["ContainedBy"]?.link?.withoutLastSlash
        contains = (links?["Contains"]).links
        systems = (links?["ComputerSystems"]).links.count
        switch resource["ChassisType"]?.stringValue {
        case "RackMount", "StandAlone", "Blade", "Sled": kind = .machine
        case "Module", "Component", "Card", "Cartridge", "Expansion", "IPBasedDrive", "StorageEnclosure",
            "HeatExchanger", "PowerStrip":
            kind = .part
        // Some BMCs name so the one machine that they are in.
        case "Rack", "Enclosure", "Drawer", "Shelf", "Sidecar", "Zone", "Pod", "Row", "RackGroup", "ImmersionTank":
            kind = systems == 1 ? .machine : .group
        default: kind = systems > 0 ? .machine : PartWords.isPart(path.lastPathPart) ? .part : .unknown
        }
    }

    /// Those that are part of another, by their type, by where they are and by their names.
    static func parts(among chassis: [RedfishChassis]) -> [RedfishChassis] {
        let machines = chassis.filter { $0.kind == .machine && !PartWords.isPart($0.name) }
        return chassis.filter { one in
            switch one.kind {
            case .part: true
            case .unknown: machines.contains { $0.holds(one) }
            // A type that is the same for all does not make a GPU a machine.
            case .machine: PartWords.isPart(one.name) && !machines.isEmpty
            case .group: one.systems == 0 && PartWords.isPart(one.name)
            }
        }
    }

    /// Those that may be the machine, the likeliest first; where the first tell no power, the others need the user's word.
    static func ranked(_ chassis: [RedfishChassis]) -> [[RedfishChassis]] {
        let parts = Set(parts(among: chassis).map(\.path))
        let whole = chassis.filter { !parts.contains($0.path) }
        return [
            whole.filter { $0.kind == .machine }, whole.filter { $0.kind == .unknown },
            // What holds several machines is none of them.
            whole.filter { group in
                group.kind == .group && group.systems == 0 && !whole.contains { $0.kind == .machine && group.holds($0) }
            },
        ].filter { !$0.isEmpty }
    }

    /// Those with a system of their own that no other holds: more than one where the BMC is that of several machines.
    static func hosts(among chassis: [RedfishChassis]) -> [RedfishChassis] {
        chassis.filter { one in one.systems > 0 && !chassis.contains { $0.holds(one) } }
    }

    /// Without those that another of them holds, nor those named after a part where others are not.
    static func outermost(of chassis: [RedfishChassis]) -> [RedfishChassis] {
        var left = chassis.filter { one in !chassis.contains { $0.path != one.path && $0.holds(one) } }
        // Two that hold each other are told apart by nothing of this.
        if left.isEmpty { left = chassis }
        let named = left.filter { !PartWords.isPart($0.name) }
        if !named.isEmpty { left = named }
        let linked = left.filter { $0.systems > 0 }
        return linked.count == 1 ? linked : left
    }

    private func holds(_ other: RedfishChassis) -> Bool {
        other.path != path && (other.containedBy == path || contains.contains(other.path))
    }
}

/// What the names of chassis, of members and of sensors say.
enum PartWords {
    private static let parts: Set<String> = [
        "accelerator", "accelerators", "asic", "aux", "backplane", "baseboard", "battery", "bmc", "bridge", "core",
        "cpu", "cpus", "dimm",
        "dimms", "disk", "disks", "dpu", "dram", "drive", "drives", "ebof", "erot", "fan", "fans", "fpga", "gpu",
        "gpus", "hdd", "hgx",
        "hmc", "irot", "mem", "memory", "module", "nic", "nvlink", "nvme", "nvswitch", "oam", "ocp", "pci", "pcie",
        "processor",
        "processors", "psu", "psus", "retimer", "riser", "soc", "ssd", "storage", "sub", "subsystem", "supplies",
        "supply",
        "switch", "sxm", "tpm", "vr", "ps", "pdb", "rail", "vdd", "vcore",
    ]
    private static let whole: Set<String> = [
        "chassis", "machine", "node", "platform", "server", "sys", "system", "total",
    ]
    /// Of power, and not what is drawn now.
    private static let others: Set<String> = [
        "allocated", "available", "average", "avg", "budget", "cap", "capacity", "headroom", "limit", "max", "maximum",
        "min",
        "minimum", "peak", "rated", "requested", "target", "threshold",
    ]

    static func isPart(_ name: String) -> Bool { !words(of: name).isDisjoint(with: parts) }
    static func isWhole(_ name: String) -> Bool { !words(of: name).isDisjoint(with: whole) }
    static func isOther(_ name: String) -> Bool { !words(of: name).isDisjoint(with: others) }
    static func isTotal(_ name: String) -> Bool { words(of: name).contains("total") }
    /// `P_12V_IN` is of power as `V_12V_IN` is of volts; the `P0` of a processor is not.
    static func isPower(_ name: String) -> Bool {
        name.lowercased().hasPrefix("p_")
            || !words(of: name).isDisjoint(with: ["power", "pwr", "watt", "watts", "consumption", "pin"])
    }
    /// Of a power supply, and what it takes: `ps0_input_power`, `PSU1_PIN`.
    static func isInputOfSupply(_ name: String) -> Bool {
        let words = words(of: name)
        return !words.isDisjoint(with: ["ps", "psu", "supply"]) && !words.isDisjoint(with: ["input", "in", "pin"])
            && !isOther(name)
    }

    /// Of letters alone, in lower case: `PSU1_TotalGPUPower` is psu, total, gpu and power.
    static func words(of name: String) -> Set<String> {
        Set(name.matches(of: /[A-Z]+(?![a-z])|[A-Z]?[a-z]+/).map { $0.output.lowercased() })
    }

    /// `PhysicalContext` of DSP8010: what the figure is of.
    enum Context {
        case whole
        case part
        case unknown

        init(_ name: String?) {
            switch name {
            case "Chassis", "PowerSubsystem", "ACInput", "ACUtilityInput": self = .whole
            case nil, "SystemBoard", "Board", "Room", "Intake", "ComputeBay": self = .unknown
            default: self = .part
            }
        }
    }
}

extension JSONValue {
    /// The path of a resource that this refers to; DSP0266, links to resources.
    var link: String? { self["@odata.id"]?.stringValue }
}

extension JSONValue? {
    /// The paths of the resources in a list of references.
    var links: [String] { (self?.elements ?? []).compactMap(\.link?.withoutLastSlash) }
}

extension String {
    /// Some BMCs write a slash at the end of a path, and not everywhere.
    var withoutLastSlash: String { count > 1 && hasSuffix("/") ? String(dropLast()) : self }

    /// The last part of a resource's path.
    var lastPathPart: String { split(separator: "/").last.map(String.init) ?? self }
}
