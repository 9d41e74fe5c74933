import CNVML
import Core

/// What state an accelerator is in, for a run's record and for checks before it. What the driver does not tell is `nil`.
package struct AcceleratorState: Sendable, Hashable, Codable {
    /// A process that computes on the accelerator.
    package struct Process: Sendable, Hashable, Codable {
        /// Of the host's process namespace.
        package var pid: Int
        /// MiB of the accelerator's memory.
        package var memory: Double?

        enum CodingKeys: String, CodingKey {
            case pid
            case memory = "memory_mib"
        }
    }

    /// The PCI address, such as `0000:65:00.0`.
    package var address: String
    package var name: String?
    package var driverVersion: String?
    /// Watts.
    package var powerLimit: Double?
    package var defaultPowerLimit: Double?
    /// MHz.
    package var smClock: Int?
    package var memoryClock: Int?
    /// °C.
    package var temperature: Int?
    /// Why the clocks are lower than they could be, in NVML's words; empty where nothing holds them down.
    package var throttleReasons: [String]?
    package var processes: [Process]?
    package var isMIG: Bool?
    package var isPersistent: Bool?
    /// Why nothing is known of it.
    package var problem: String?

    package init(address: String) { self.address = address }

    enum CodingKeys: String, CodingKey {
        case address, name, processes, problem
        case driverVersion = "driver_version"
        case powerLimit = "power_limit_w"
        case defaultPowerLimit = "default_power_limit_w"
        case smClock = "sm_clock_mhz"
        case memoryClock = "memory_clock_mhz"
        case temperature = "temperature_c"
        case throttleReasons = "throttle_reasons"
        case isMIG = "mig"
        case isPersistent = "persistence_mode"
    }
}

extension NVML {
    /// The state of every GPU that NVML sees; empty where there is no NVML, or no GPU.
    package func states() -> [AcceleratorState] {
        guard let count = try? count() else { return [] }
        return (0..<count).map { index in
            do throws(NVMLFailure) {
                return try withLibrary { (library, _) throws(NVMLFailure) in
                    let device = try Self.handle(library, at: index)
                    var state = AcceleratorState(address: Self.address(library, device) ?? "gpu-\(index)")
                    state.driverVersion = Self.text { tw_nvml_driver_version(library, $0, $1) }
                    state.fill(library, device)
                    return state
                }
            } catch {
                var state = AcceleratorState(address: "gpu-\(index)")
                state.problem = error.reason
                return state
            }
        }
    }
}

extension AcceleratorState {
    fileprivate mutating func fill(_ library: OpaquePointer, _ device: TWNvmlDevice) {
        name = NVML.text { tw_nvml_name(library, device, $0, $1) }
        powerLimit = NVML.number { tw_nvml_power_limit(library, device, &$0) }.map { Double($0) / 1000 }
        defaultPowerLimit = NVML.number { tw_nvml_default_power_limit(library, device, &$0) }.map { Double($0) / 1000 }
        smClock = NVML.number { tw_nvml_clock(library, device, Int32(TW_NVML_CLOCK_SM), &$0) }.map(Int.init)
        memoryClock = NVML.number { tw_nvml_clock(library, device, Int32(TW_NVML_CLOCK_MEMORY), &$0) }.map(Int.init)
        temperature = NVML.number { tw_nvml_temperature(library, device, &$0) }.map(Int.init)
        throttleReasons = NVML.number { tw_nvml_throttle_reasons(library, device, &$0) }.map(Self.reasons)
        processes = Self.processes(library, device)
        isMIG = NVML.isMIG(library, device)
        isPersistent = NVML.number { tw_nvml_persistence_mode(library, device, &$0) }.map { $0 == 1 }
    }

    /// nvml.h, nvmlClocksEventReasons. "GPU idle" is among them and holds nothing down, so it is left out.
    private static func reasons(_ bits: UInt64) -> [String] {
        let names: [(UInt64, String)] = [
            (0x2, "applications clocks setting"), (0x4, "software power cap"), (0x8, "hardware slowdown"),
            (0x10, "sync boost"), (0x20, "software thermal slowdown"), (0x40, "hardware thermal slowdown"),
            (0x80, "hardware power brake"), (0x100, "display clock setting"),
        ]
        return names.filter { bits & $0.0 != 0 }.map(\.1)
    }

    private static func processes(_ library: OpaquePointer, _ device: TWNvmlDevice) -> [Process]? {
        var room: UInt32 = 64
        // Processes come and go: where they are more than there is room for, the library says how many.
        for _ in 0..<3 {
            var found = [TWNvmlProcess](repeating: TWNvmlProcess(), count: Int(room))
            var count = room
            let status = tw_nvml_processes(library, device, &count, &found)
            if status == TW_NVML_INSUFFICIENT_SIZE, count < 100_000 {
                room = max(room, count) + 16
                continue
            }
            guard status == TW_NVML_SUCCESS else { return nil }
            return found.prefix(Int(count)).map { process in
                // UINT64_MAX: the driver does not tell.
                let bytes = process.memory == .max ? nil : Double(process.memory)
                return Process(pid: Int(process.pid), memory: bytes.map { $0 / 1_048_576 })
            }
        }
        return nil
    }
}
