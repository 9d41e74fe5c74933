import Core
import Foundation
import Recording

/// Machines of the same equipment: what is the same in processor, memory, product and accelerators, whatever their names are and in which
/// slots their cards are.
package struct MachineClass: Sendable, Hashable {
    /// For people: `2 × EPYC 7763, 512 GiB, 4 × A100 SXM4 80GB`.
    package var name: String
    /// Of all that makes it this class.
    package var hash: String

    package var text: String { "\(name) #\(hash.prefix(6))" }

    /// What an inventory tells of it.
    private struct Equipment: Decodable {
        struct Processor: Decodable {
            var model: String
            var sockets: Int?
            var cores: Int?
            var threads: Int?
        }

        struct Device: Decodable {
            var name: String?
            var kind: String?
            var vendor: Int?
            var device: Int?

            enum CodingKeys: String, CodingKey {
                case name
                case kind = "class"
                case vendor = "vendor_id"
                case device = "device_id"
            }

            /// Names come from lists that differ from system to system.
            var text: String { "\(vendor ?? 0):\(device ?? 0):\(kind ?? "")" }
        }

        var cpu: Processor?
        var memory: Int64?
        var hypervisor: String?
        var product: String?
        var accelerators: [Device]?

        enum CodingKeys: String, CodingKey {
            case cpu, hypervisor, product, accelerators
            case memory = "installed_memory_bytes"
        }
    }

    /// - Parameter inventory: JSON, as the record keeps it.
    /// - Returns: `nil` where it does not tell the processor: of what nobody knows no two machines are the same.
    package init?(inventory: String) {
        guard let equipment = try? JSONDecoder().decode(Equipment.self, from: Data(inventory.utf8)),
            let cpu = equipment.cpu
        else { return nil }
        let devices = (equipment.accelerators ?? []).sorted { $0.text < $1.text }
        // Flags of the processor are left out: they change with the kernel.
        let parts =
            [cpu.model] + [cpu.sockets, cpu.cores, cpu.threads].map { $0.map { String($0) } ?? "" }
            + [equipment.memory.map { String($0) } ?? "", equipment.hypervisor ?? "", equipment.product ?? ""]
            + devices.map(\.text)
        // By lengths, so that no text in it can look like two.
        let hash = MachineFingerprint.of(
            machineName: "class", inventory: parts.map { "\($0.utf8.count):\($0)" }.joined())
        self.hash = String(repeating: "0", count: max(0, 16 - hash.count)) + hash
        name = Self.name(cpu, equipment, devices)
    }

    private static func name(_ cpu: Equipment.Processor, _ equipment: Equipment, _ devices: [Equipment.Device])
        -> String
    {
        func times(_ count: Int, _ what: String) -> String { count > 1 ? "\(count) × \(what)" : what }
        var parts = [times(cpu.sockets ?? 1, short(processor: cpu.model))]
        if let memory = equipment.memory, memory > 0 {
            parts.append("\(FigureText.fixed(Double(memory) / 1_073_741_824, 0)) GiB")
        }
        var names: [(text: String, name: String, count: Int)] = []
        for device in devices {
            if let last = names.indices.last, names[last].text == device.text {
                names[last].count += 1
            } else {
                names.append((device.text, short(device: device.name ?? device.kind ?? "accelerator"), 1))
            }
        }
        parts += names.map { times($0.count, $0.name) }
        if equipment.hypervisor != nil { parts.append("virtual") }
        return String(parts.joined(separator: ", ").prefix(longestName))
    }

    private static let longestName = 100

    /// Without the maker and what marketing adds.
    static func short(processor name: String) -> String {
        let bare = name.replacing(/\((?:R|TM|r|tm)\)/, with: "").replacing(/@.*/, with: "")
        let words = bare.split(separator: " ").filter { word in
            !["Intel", "AMD", "CPU", "Processor", "Genuine"].contains(word) && word.wholeMatch(of: /[0-9]+-Core/) == nil
        }
        return words.isEmpty ? name : words.joined(separator: " ")
    }

    /// What the list of PCI devices has in brackets is what it is sold as: `NVIDIA Corporation GA100 [A100 SXM4 80GB]`.
    static func short(device name: String) -> String {
        name.firstMatch(of: /\[([^\]]+)\]/).map { String($0.1) } ?? name
    }
}

/// The classes of a record's machines, and what a table by class makes of them.
struct MachineClasses: Sendable {
    private var classes: [String: MachineClass] = [:]
    /// Whether machines of one class go into one mean.
    private let isPooling: Bool

    /// - Parameters:
    ///   - machines: those of the record.
    ///   - isPooling: whether machines of one class go into one mean.
    init(_ machines: [StoredMachine], isPooling: Bool) {
        self.isPooling = isPooling
        // Most machines of a fleet have one of a few inventories.
        var known: [String: MachineClass?] = [:]
        for machine in machines {
            let made = known[machine.inventory] ?? MachineClass(inventory: machine.inventory)
            known[machine.inventory] = made
            classes[machine.fingerprint] = made
        }
    }

    static func isPooling(_ by: [TableDimension]) -> Bool { by.contains(.equipment) && !by.contains(.machine) }

    /// Of the machine with this fingerprint; `nil` where the record does not describe it.
    subscript(fingerprint: String) -> MachineClass? { classes[fingerprint] }

    /// What keeps a machine's runs apart from others'.
    func kept(apart fingerprint: String) -> String {
        guard isPooling, let known = classes[fingerprint] else { return fingerprint }
        return known.hash
    }

    /// The meters of a total as they are compared. Of different machines only their kinds and how many there are of each: slots, serial
    /// numbers and the names that users give to plugs are each machine's own.
    func meters(_ ids: [String]) -> [String] {
        isPooling ? ids.map { $0.contains("/") ? String($0.prefix { $0 != "/" }) : "named" }.sorted() : ids
    }

    /// The machines of a row by their names; one that was equipped anew is in it once.
    func members(_ groups: [GroupSums]) -> [String] { Set(groups.map(\.group.machine)).sorted() }

    private struct Place: Hashable {
        var model: String
        var dataset: String
    }

    /// Of a row the machines whose mean is far off those of the others, by `Statistics.outliers`: at least five machines are compared, of
    /// each model and dataset by itself, for a machine that ran other models is another matter.
    func outlying(_ groups: [GroupSums]) -> [TableReport.OutlyingMachine] {
        guard isPooling else { return [] }
        var means: [Place: [String: (name: String, sum: Double, count: Double)]] = [:]
        for group in groups where group.sums.count > 0 {
            let key = group.group.key
            let place = Place(model: key.modelName, dataset: key.dataset ?? "")
            var mean = means[place]?[key.fingerprint] ?? (group.group.machine, 0, 0)
            mean.sum += group.sums.series.mean * group.sums.count
            mean.count += group.sums.count
            means[place, default: [:]][key.fingerprint] = mean
        }
        var found: [TableReport.OutlyingMachine] = []
        for (place, machines) in means {
            let sorted = machines.sorted { $0.key < $1.key }
            let values = sorted.map { $0.value.sum / $0.value.count }
            guard let median = Statistics.median(values) else { continue }
            for outlier in Statistics.outliers(values) where sorted.indices.contains(outlier.index) {
                let (fingerprint, machine) = sorted[outlier.index]
                found.append(
                    TableReport.OutlyingMachine(
                        machine: machine.name, fingerprint: fingerprint, model: place.model,
                        mean: values[outlier.index], median: median, of: values.count, score: outlier.score))
            }
        }
        return found.sorted { ($0.machine, $0.fingerprint, $0.model) < ($1.machine, $1.fingerprint, $1.model) }
    }
}

extension TableReport {
    /// Of how many a note tells.
    private static let mostTold = 5

    /// The machines far off the others of their class; of many, the first.
    var outlyingMachineNotes: [String] {
        let all = rows.flatMap { row in row.outlyingMachines.map { (row, $0) } }
        if all.isEmpty { return [] }
        let shown = all.prefix(Self.mostTold).map { row, machine in
            "\(machine.machine) (\(row.title), \(machine.model)): \(FigureText.figure(machine.mean)), the median of "
                + "\(machine.of) machines is \(FigureText.figure(machine.median))"
        }
        let rest = all.count > Self.mostTold ? "; and \(all.count - Self.mostTold) more in the JSON" : ""
        return [
            "Outlying machines of a class (by the median and the median deviation of the machines' means; 5 % of clean sets have "
                + "one), still in the mean: " + shown.joined(separator: "; ") + rest + "."
        ]
    }

    /// The machines that do not measure as they did.
    func driftNotes(_ advises: Bool) -> [String] {
        if drifting.isEmpty { return [] }
        let shown = drifting.prefix(Self.mostTold).map { "\($0.machine): \($0.text)" }
        let rest = drifting.count > Self.mostTold ? "; and \(drifting.count - Self.mostTold) more in the JSON" : ""
        return [
            "Drifting: the latest run of the suite control is outside the 99 % prediction interval of the machine's earlier ones. "
                + shown.joined(separator: "; ") + rest
                + (advises ? ". Look what has changed before you compare figures over time." : ".")
        ]
    }
}
