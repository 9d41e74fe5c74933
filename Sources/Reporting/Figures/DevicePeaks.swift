package import Core
import Foundation
package import Recording

/// The peaks of the devices that a record's runs ran on: published ones of known parts, else those that were measured, else for a
/// CPU an upper estimate.
package struct DevicePeaks: Sendable {
    /// What of a machine bears on its peaks.
    struct Machine: Sendable {
        var inventory: Inventory?
        /// The greatest clock of its CPUs in MHz; `nil` where the kernel does not name it.
        var megahertz: Double?
        /// The latest of each device and precision.
        var measured: [DevicePeak]
    }

    /// As much of the inventory as is needed.
    struct Inventory: Sendable, Codable {
        struct CPU: Sendable, Codable {
            var model: String
            var cores: Int
            var features: [String]?
        }

        struct Device: Sendable, Codable {
            var name: String
            var kind: String?
            var vendorID: Int
            var deviceID: Int

            enum CodingKeys: String, CodingKey {
                case name
                case kind = "class"
                case vendorID = "vendor_id"
                case deviceID = "device_id"
            }
        }

        var cpu: CPU?
        var accelerators: [Device]?
    }

    /// As much of the machine's state as is needed.
    private struct State: Decodable {
        var peaks: [DevicePeak]?
        var megahertz: Double?
        var removable: [Inventory.Device]?

        enum CodingKeys: String, CodingKey {
            case peaks = "device_peaks"
            case removable = "removable_accelerators"
            case megahertz = "cpu_clock_limit_mhz"
        }
    }

    /// By fingerprints.
    private var machines: [String: Machine] = [:]

    /// - Parameter kept: of this machine, by its fingerprint: what `taskwatt calibrate --peak` found since its last suite.
    package init(_ store: any RecordReader, kept: [String: [DevicePeak]] = [:]) async throws(StoreError) {
        self.init(try await store.machines(nil), kept: kept)
    }

    /// - Parameter machines: those of the record.
    init(_ machines: [StoredMachine], kept: [String: [DevicePeak]] = [:]) {
        let decoder = JSONDecoder()
        // Most machines of a fleet have one of a few inventories.
        var known: [String: Inventory?] = [:]
        for machine in machines {
            var inventory =
                known[machine.inventory] ?? (try? decoder.decode(Inventory.self, from: Data(machine.inventory.utf8)))
            known[machine.inventory] = .some(inventory)
            let state = machine.state.flatMap { try? decoder.decode(State.self, from: Data($0.utf8)) }
            if let removable = state?.removable {
                inventory = Inventory(
                    cpu: inventory?.cpu, accelerators: (inventory?.accelerators ?? []) + removable)
            }
            self.machines[machine.fingerprint] = Machine(
                inventory: inventory, megahertz: state?.megahertz,
                measured: ((kept[machine.fingerprint] ?? []) + (state?.peaks ?? [])).filter {
                    $0.kind == .measured && $0.isPossible
                })
        }
    }

    init(machines: [String: Machine]) { self.machines = machines }

    /// What the device of a workload can do at most; `nil` where nobody knows.
    ///
    /// - Parameter fingerprint: of the machine that it ran on.
    package func peak(of workload: WorkloadDescription, on fingerprint: String) -> DevicePeak? {
        guard let machine = machines[fingerprint], let device = workload.device else { return nil }
        let precision = workload.precision ?? "fp32"
        let target = Target(device)
        if case .accelerator(let fits) = target {
            // Of several of one kind it does not matter which; of different ones nobody knows which was meant.
            let parts = (machine.inventory?.accelerators ?? []).filter(fits).map(Self.published)
            if let part = parts.first ?? nil, parts.allSatisfy({ $0 == part }) { return part }
        }
        let measured = machine.measured.filter { target.isCPU ? $0.isCPU : $0.device == device }
        if let peak = measured.first(where: { $0.precision == precision }) ?? measured.first { return peak }
        guard target.isCPU, let cpu = machine.inventory?.cpu, let megahertz = machine.megahertz else { return nil }
        return .upperEstimate(
            cpu.model, cores: cpu.cores, features: Set(cpu.features ?? []), megahertz: megahertz, precision: precision)
    }

    private static func published(_ device: Inventory.Device) -> DevicePeak? {
        guard let name = parts[[device.vendorID, device.deviceID]],
            let part = Accelerator.published.first(where: { $0.name == name })
        else { return nil }
        return DevicePeak(
            device: part.name, kind: .published, precision: part.precision, gops: part.gops, watts: part.watts,
            source: part.source)
    }

    // MARK: Parts

    /// The names in `accelerators.csv` by vendor and device of PCI, or of USB. Only parts that one id tells: a card of another form
    /// has another power and often another clock, and its peak was read nowhere.
    private static let parts: [[Int]: String] = Dictionary(
        partLines.compactMap { fields in
            guard fields.count == 4, let vendor = Int(fields[0], radix: 16), let device = Int(fields[1], radix: 16)
            else { return nil }
            return ([vendor, device], fields[2])
        }, uniquingKeysWith: { first, _ in first })

    /// The fields of each line of `device-parts.csv` after the first.
    package static var partLines: [[String]] {
        String(decoding: PackageResources.device_parts_csv, as: UTF8.self).split(separator: "\n").dropFirst()
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    }

    // MARK: Devices

    /// What a plugin's name of a device stands for.
    private enum Target {
        case cpu
        case accelerator(@Sendable (Inventory.Device) -> Bool)
        case unknown

        var isCPU: Bool { if case .cpu = self { true } else { false } }

        /// - Parameter device: as plugins name it: `cpu`, `cuda:0`, `openvino:NPU`.
        init(_ device: String) {
            let parts = device.lowercased().split(separator: ":", maxSplits: 1).map(String.init)
            let place = parts.count > 1 ? parts[1] : ""
            func of(_ vendor: Int, _ kind: String) -> Target {
                .accelerator { $0.vendorID == vendor && $0.kind == kind }
            }
            self =
                switch parts.first ?? "" {
                case "cpu", "dnnl", "xnnpack": .cpu
                case "openvino" where place.isEmpty || place == "cpu": .cpu
                case "openvino" where place.hasPrefix("gpu"): of(0x8086, "gpu")
                case "openvino" where place == "npu": of(0x8086, "npu")
                case "cuda", "tensorrt": of(0x10de, "gpu")
                case "rocm", "migraphx", "hip": of(0x1002, "gpu")
                case "xpu": of(0x8086, "gpu")
                case "hpu": of(0x1da3, "digital-asic")
                case "vitisai": of(0x1022, "npu")
                case "tpu": .accelerator { $0.kind == "tpu" }
                case "neuron": of(0x1d0f, "digital-asic")
                default: .unknown
                }
        }
    }
}
