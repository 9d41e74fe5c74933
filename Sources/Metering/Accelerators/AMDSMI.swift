import CAMDSMI
import Core
import Foundation
import Synchronization

/// AMD's System Management Interface library, opened and initialised when it is first needed and never shut down.
///
/// All calls go through one lock. GPUs are known by their PCI address: handles stay inside, and are looked up anew after a
/// call that fails. Source: amdsmi.h of ROCm 5.7 to 7 (github.com/ROCm/amdsmi).
package final class AMDSMI: Sendable {
    /// This process's own.
    package static let system = AMDSMI()

    /// An energy counter: its steps, and how large each is.
    struct Count: Sendable, Hashable {
        var steps: UInt64
        var microjoulesPerStep: Double
        var microjoules: Int64 { Int64(saturating: Double(steps) * microjoulesPerStep) }
    }

    /// What a counter was found to be worth, against the GPU's power sensor.
    struct Verdict: Sendable, Hashable {
        enum Outcome: Sendable, Hashable {
            case agrees
            /// There is no power sensor to compare with.
            case unchecked
            /// Counter and sensor both stand at nothing.
            case silent
            case disagrees(counterWatts: Double, sensorWatts: Double)
        }
        var outcome: Outcome
        /// How often the counter is updated, in seconds, where that was seen.
        var periodSeconds: Double?
        var time: MonotonicTime
    }

    private struct State {
        var library: OpaquePointer?
        var isInitialised = false
        var handles: [String: TWAmdSmiHandle] = [:]
        var verdicts: [String: Verdict] = [:]
    }

    private let files: [String]
    private let state = Mutex(State())

    /// - Parameter library: a file, or a name for the loader; `nil` for `TASKWATT_AMDSMI`, else the system's.
    package init(library: String? = nil) {
        // Empty is as good as not set. A file that the user names is meant: no other takes its place.
        let variables = ProcessInfo.processInfo.environment
        let named = library ?? variables["TASKWATT_AMDSMI"].flatMap { $0.isEmpty ? nil : $0 }
        files =
            named.map { [$0] } ?? [
                "libamd_smi.so", "libamd_smi.so.26", "libamd_smi.so.25", "libamd_smi.so.24",
                "/opt/rocm/lib/libamd_smi.so",
            ]
    }

    // MARK: What it tells

    /// The addresses of all GPUs that the library sees.
    func addresses() throws(AMDSMIFailure) -> Set<String> {
        try withLibrary { (library, state) throws(AMDSMIFailure) in
            try Self.find(library, &state)
            return Set(state.handles.keys)
        }
    }

    /// Reads the energy since the driver was loaded.
    func energy(of address: String) throws(AMDSMIFailure) -> Count {
        try withLibrary { (library, state) throws(AMDSMIFailure) in
            if state.handles[address] == nil { try Self.find(library, &state) }
            guard let device = state.handles[address] else { throw .notFound }
            var steps: UInt64 = 0
            var size: Float = 0
            let status = tw_amdsmi_energy(library, device, &steps, &size)
            guard status == TW_AMDSMI_SUCCESS else {
                state.handles = [:]
                throw Self.failure(library, status)
            }
            // All ones is the library's way to say that this GPU's table has no such entry.
            guard steps != .max, size > 0, size.isFinite else { throw .notSupported }
            return Count(steps: steps, microjoulesPerStep: Self.exact(size))
        }
    }

    /// The library says 15.3 µJ (`kEnergyCounterResolution`) for steps that the kernel defines as 2^-16 J, 15.259 µJ
    /// (drivers/gpu/drm/amd/include/kgd_pp_interface.h, `energy_accumulator`): 0.3 % too much.
    private static func exact(_ microjoules: Float) -> Double {
        let step = 1e6 / 65536
        return abs(Double(microjoules) - step) < 0.05 ? step : Double(microjoules)
    }

    // MARK: Verdicts

    /// What was found of a counter; `nil` if nothing was, or it was bad and is `age` seconds old.
    func verdict(of address: String, at now: MonotonicTime, badFor age: Double) -> Verdict? {
        state.withLock { state in
            guard let verdict = state.verdicts[address] else { return nil }
            if case .disagrees = verdict.outcome, now.seconds(since: verdict.time) > age { return nil }
            return verdict
        }
    }

    func keep(_ verdict: Verdict, of address: String) { state.withLock { $0.verdicts[address] = verdict } }

    // MARK: The library

    private func withLibrary<Value: Sendable>(
        _ body: (OpaquePointer, inout State) throws(AMDSMIFailure) -> Value
    ) throws(AMDSMIFailure) -> Value {
        try state.withLock { state throws(AMDSMIFailure) in
            let library: OpaquePointer
            if let known = state.library { library = known } else { library = try open() }
            state.library = library
            if !state.isInitialised {
                // It is tried again each time, for the driver can be loaded later.
                try Self.check(library, tw_amdsmi_init(library))
                state.isInitialised = true
            }
            return try body(library, &state)
        }
    }

    private func open() throws(AMDSMIFailure) -> OpaquePointer {
        var tried: [String] = []
        for file in files {
            var error: UnsafeMutablePointer<CChar>?
            if let library = tw_amdsmi_open(file, &error) { return library }
            tried.append(error.map { String(cString: $0) } ?? "\(file) cannot be opened")
            free(error)
        }
        throw .noLibrary(tried: tried)
    }

    /// Asks for the handles of all GPUs anew.
    private static func find(_ library: OpaquePointer, _ state: inout State) throws(AMDSMIFailure) {
        var handles: [String: TWAmdSmiHandle] = [:]
        let sockets = try list(library) { tw_amdsmi_sockets(library, $0, $1) }
        for socket in sockets {
            for device in try list(library, { tw_amdsmi_processors(library, socket, $0, $1) }) {
                var bdf: UInt64 = 0
                // One whose address is not told cannot be matched with anything.
                guard tw_amdsmi_bdf(library, device, &bdf) == TW_AMDSMI_SUCCESS else { continue }
                let address = PCIFunctions.address(
                    domain: Int(bdf >> 16), bus: Int(bdf >> 8 & 0xff), device: Int(bdf >> 3 & 0x1f),
                    function: Int(bdf & 0x7))
                // Partitions of one GPU can share its address; the first is the GPU.
                if handles[address] == nil { handles[address] = device }
            }
        }
        state.handles = handles
    }

    /// A list whose length the library tells first.
    private static func list(
        _ library: OpaquePointer,
        _ call: (UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<TWAmdSmiHandle?>?) -> Int32
    ) throws(AMDSMIFailure) -> [TWAmdSmiHandle] {
        var count: UInt32 = 0
        try check(library, call(&count, nil))
        guard count > 0, count < 4096 else { return [] }
        var handles = [TWAmdSmiHandle?](repeating: nil, count: max(0, Int(count)))
        try check(library, call(&count, &handles))
        return handles.prefix(Int(count)).compactMap { $0 }
    }

    private static func check(_ library: OpaquePointer, _ status: Int32) throws(AMDSMIFailure) {
        if status != TW_AMDSMI_SUCCESS { throw failure(library, status) }
    }

    private static func failure(_ library: OpaquePointer, _ status: Int32) -> AMDSMIFailure {
        .status(status, text: tw_amdsmi_status_string(library, status).map { String(cString: $0) })
    }
}
