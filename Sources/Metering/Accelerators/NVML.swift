import CNVML
import Core
import Foundation
import Host
import Synchronization

/// NVIDIA's Management Library, opened and initialised when it is first needed and never shut down.
///
/// All calls go through one lock. GPUs are known by their PCI address: handles stay inside, and one that fails is looked up
/// anew by the next call. Source: nvml.h, and the NVML API reference (docs.nvidia.com/deploy/nvml-api).
package final class NVML: Sendable {
    /// This process's own.
    package static let system = NVML()

    /// What is known of a GPU without measuring.
    struct GPU: Sendable, Hashable {
        /// Such as `0000:65:00.0`.
        var address: String
        var name: String?
        /// Why the GPU cannot be read, if so.
        var failure: NVMLFailure?
        /// Whether it counts energy; else it tells its power.
        var hasEnergy = false
        /// CUDA compute capability, major × 10 + minor, such as 80; `nil` where the library does not tell.
        var capability: Int?
        /// The largest power limit that can be set, in milliwatts.
        var maximumLimit: UInt32?
        /// The number of MIG devices; `nil` where MIG is off.
        var migInstances: Int?

        init(address: String, failure: NVMLFailure? = nil) {
            self.address = address
            self.failure = failure
        }
    }

    enum Quantity: Sendable { case millijoules, milliwatts }

    struct State {
        var library: OpaquePointer?
        var isInitialised = false
        var handles: [String: TWNvmlDevice] = [:]
        /// Update periods of the energy counters in seconds, by address; `.some(nil)` for one that was not seen.
        var periods: [String: Double?] = [:]
    }

    private let files: [String]
    private let state = Mutex(State())

    /// - Parameter library: a file, or a name for the loader; `nil` for `TASKWATT_NVML`, else the system's.
    package init(library: String? = nil) {
        // Empty is as good as not set. A file that the user names is meant: no other takes its place.
        let named = library ?? ProcessInfo.processInfo.environment["TASKWATT_NVML"].flatMap { $0.isEmpty ? nil : $0 }
        files = named.map { [$0] } ?? ["libnvidia-ml.so.1", "libnvidia-ml.so"]
    }

    // MARK: What there is

    /// All GPUs that NVML sees, and those that it does not and sysfs has. The lock is let go between them.
    ///
    /// - Parameter present: PCI addresses of NVIDIA's GPUs.
    func gpus(present: [String]) throws(NVMLFailure) -> [GPU] {
        var found: [GPU] = []
        var failures: [GPU] = []
        for index in 0..<(try count()) {
            do throws(NVMLFailure) {
                found.append(try gpu(at: index))
            } catch {
                failures.append(GPU(address: "gpu-\(index)", failure: error))
            }
        }
        // A GPU in a bad state has no handle, and so no address of its own: sysfs knows those that are left.
        let seen = Set(found.map(\.address))
        for address in present where !seen.contains(address) {
            do throws(NVMLFailure) {
                found.append(
                    try withLibrary { (library, state) throws(NVMLFailure) in
                        Self.facts(library, try Self.handle(library, &state, address), address)
                    })
            } catch {
                found.append(GPU(address: address, failure: error))
            }
        }
        return (present.isEmpty ? found + failures : found).sorted { $0.address < $1.address }
    }

    func count() throws(NVMLFailure) -> UInt32 {
        try withLibrary { (library, _) throws(NVMLFailure) in
            var count: UInt32 = 0
            try Self.check(tw_nvml_count(library, &count))
            return min(count, 256)
        }
    }

    private func gpu(at index: UInt32) throws(NVMLFailure) -> GPU {
        try withLibrary { (library, state) throws(NVMLFailure) in
            let device = try Self.handle(library, at: index)
            guard let address = Self.address(library, device) else { throw .status(Int32(TW_NVML_UNKNOWN)) }
            state.handles[address] = device
            return Self.facts(library, device, address)
        }
    }

    private static func facts(_ library: OpaquePointer, _ device: TWNvmlDevice, _ address: String) -> GPU {
        var gpu = GPU(address: address)
        gpu.name = text { tw_nvml_name(library, device, $0, $1) }
        var (major, minor): (Int32, Int32) = (0, 0)
        if tw_nvml_compute_capability(library, device, &major, &minor) == TW_NVML_SUCCESS {
            gpu.capability = Int(major) * 10 + Int(minor)
        }
        var least: UInt32 = 0
        gpu.maximumLimit = number { tw_nvml_power_limit_range(library, device, &least, &$0) }
        if isMIG(library, device) == true { gpu.migInstances = migInstances(library, device) }
        var millijoules: UInt64 = 0
        var milliwatts: UInt32 = 0
        var status = tw_nvml_energy(library, device, &millijoules)
        gpu.hasEnergy = status == TW_NVML_SUCCESS
        if NVMLFailure.status(status).isUnsupported { status = tw_nvml_power(library, device, &milliwatts) }
        if status != TW_NVML_SUCCESS { gpu.failure = .status(status) }
        return gpu
    }

    // MARK: What it tells

    /// Reads the energy since the driver was loaded, or the power.
    func read(_ quantity: Quantity, of address: String) throws(NVMLFailure) -> UInt64 {
        try withLibrary { (library, state) throws(NVMLFailure) in
            let device = try Self.handle(library, &state, address)
            var value: UInt64 = 0
            var power: UInt32 = 0
            let status: Int32
            switch quantity {
            case .millijoules: status = tw_nvml_energy(library, device, &value)
            case .milliwatts:
                status = tw_nvml_power(library, device, &power)
                value = UInt64(power)
            }
            if status == TW_NVML_SUCCESS { return value }
            // The handle of a GPU that was lost and came back is of no use any more.
            state.handles[address] = nil
            throw .status(status)
        }
    }

    /// How often the energy counters are updated, in seconds; a GPU whose updates were not seen is missing. Each is
    /// watched once in the life of this object, all together, for at most 350 ms.
    func updatePeriods(_ addresses: [String], clock: any MeteringClock) -> [String: Double] {
        let unknown = state.withLock { state in addresses.filter { state.periods[$0] == nil } }
        let watches = UpdateWatch.watch(unknown, clock: clock) { try? read(.millijoules, of: $0) }
        return state.withLock { state in
            for (address, watch) in watches { state.periods[address] = .some(watch.periodSeconds) }
            return addresses.reduce(into: [:]) { $0[$1] = state.periods[$1] ?? nil }
        }
    }

    // MARK: The library

    /// Calls the library under the lock, once it is open and initialised.
    func withLibrary<Value: Sendable>(
        _ body: (OpaquePointer, inout State) throws(NVMLFailure) -> Value
    ) throws(NVMLFailure) -> Value {
        try state.withLock { state throws(NVMLFailure) in
            let library: OpaquePointer
            if let known = state.library { library = known } else { library = try open() }
            state.library = library
            if !state.isInitialised {
                // It is tried again each time, for the driver can be loaded later.
                try Self.check(tw_nvml_init(library))
                state.isInitialised = true
            }
            do throws(NVMLFailure) {
                return try body(library, &state)
            } catch {
                // The driver was loaded anew under the library: the next call begins from the start.
                if error == .status(Int32(TW_NVML_UNINITIALIZED)) {
                    state.isInitialised = false
                    state.handles = [:]
                }
                throw error
            }
        }
    }

    private func open() throws(NVMLFailure) -> OpaquePointer {
        var tried: [String] = []
        for file in files {
            var error: UnsafeMutablePointer<CChar>?
            if let library = tw_nvml_open(file, &error) { return library }
            tried.append(error.map { String(cString: $0) } ?? "\(file) cannot be opened")
            free(error)
        }
        throw .noLibrary(tried: tried)
    }

    private static func handle(
        _ library: OpaquePointer, _ state: inout State, _ address: String
    ) throws(NVMLFailure) -> TWNvmlDevice {
        if let known = state.handles[address] { return known }
        var device: TWNvmlDevice?
        try check(tw_nvml_device_of_pci(library, address, &device))
        guard let device else { throw .status(Int32(TW_NVML_UNKNOWN)) }
        state.handles[address] = device
        return device
    }

    static func handle(_ library: OpaquePointer, at index: UInt32) throws(NVMLFailure) -> TWNvmlDevice {
        var device: TWNvmlDevice?
        try check(tw_nvml_device_at(library, index, &device))
        guard let device else { throw .status(Int32(TW_NVML_UNKNOWN)) }
        return device
    }

    static func check(_ status: Int32) throws(NVMLFailure) {
        if status != TW_NVML_SUCCESS { throw .status(status) }
    }

    /// NVML writes eight digits of the domain and the kernel four, so the numbers are taken. A GPU is function 0.
    static func address(_ library: OpaquePointer, _ device: TWNvmlDevice) -> String? {
        var pci = TWNvmlPci()
        guard tw_nvml_pci(library, device, &pci) == TW_NVML_SUCCESS else { return nil }
        return PCIFunctions.address(
            domain: Int(pci.domain), bus: Int(pci.bus), device: Int(pci.device), function: 0)
    }

    static func isMIG(_ library: OpaquePointer, _ device: TWNvmlDevice) -> Bool? {
        var pending: UInt32 = 0
        return number { tw_nvml_mig_mode(library, device, &$0, &pending) }.map { $0 == 1 }
    }

    private static func migInstances(_ library: OpaquePointer, _ device: TWNvmlDevice) -> Int {
        let most = number { tw_nvml_mig_maximum(library, device, &$0) } ?? 0
        return (0..<min(most, 64)).count { index in
            var instance: TWNvmlDevice?
            return tw_nvml_mig_device(library, device, index, &instance) == TW_NVML_SUCCESS
        }
    }

    /// A number that the library may not have.
    static func number<Number: BinaryInteger>(_ call: (inout Number) -> Int32) -> Number? {
        var value: Number = 0
        return call(&value) == TW_NVML_SUCCESS ? value : nil
    }

    /// A text that the library may not have. The longest that NVML writes has 96 bytes (NVML_DEVICE_NAME_V2_BUFFER_SIZE).
    static func text(_ call: (UnsafeMutablePointer<CChar>, UInt32) -> Int32) -> String? {
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer -> String? in
            buffer.initialize(repeating: 0)
            guard let start = buffer.baseAddress, call(start, 255) == TW_NVML_SUCCESS else { return nil }
            return String(cString: start)
        }
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }
}
