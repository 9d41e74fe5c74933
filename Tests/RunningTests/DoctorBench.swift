import Accounting
import Core
import Diagnostics
import Host
import Metering
import Running
import Synchronization
import TestSupport
import Testing

/// A clock that takes no time. Whatever shall happen to the machine while `doctor` waits happens in its sleep.
final class EventfulClock: MeteringClock {
    private let time = Mutex<Int64>(1_000_000_000_000)
    private let event: @Sendable () -> Void

    init(_ event: @escaping @Sendable () -> Void = {}) { self.event = event }

    func now() -> MonotonicTime { MonotonicTime(nanoseconds: time.withLock { $0 }) }
    func sleep(until deadline: MonotonicTime) {
        time.withLock { $0 = max($0, deadline.nanoseconds) }
        event()
    }
    func suspendedNanoseconds() -> Int64 { 0 }
    func wallTime() -> Double { 1.7e9 }
}

/// Machines for `doctor` to look at.
enum DoctorBench {
    static let cpu = "/sys/devices/system/cpu"

    /// The result of one check on a machine with these files.
    ///
    /// - Parameter later: files that have changed when `doctor` looks again.
    static func check(
        _ id: String, _ files: [String: String], later: [String: String] = [:], meters: [MeterListing] = []
    ) throws -> Check {
        try check(id, in: TemporaryDirectory(files), later: later, meters: meters)
    }

    static func check(
        _ id: String, in tree: TemporaryDirectory, later: [String: String] = [:], meters: [MeterListing] = []
    ) throws -> Check {
        let clock = EventfulClock {
            for (file, text) in later {
                do {
                    try tree.write(file, text)
                } catch {
                    Issue.record(error)
                }
            }
        }
        let checks = Doctor.examine(tree.host, meters: meters, clock: clock)
        return try #require(checks.first { $0.id == id })
    }

    static func meter(
        _ id: String, scope: MeterScope = .package, provenance: Provenance = .measured,
        locked: (reason: String, remedy: String?)? = nil
    ) -> MeterListing {
        let description = MeterDescription(
            id: id, name: id, scope: scope, kind: .counter, provenance: provenance, source: id, periodSeconds: 0.001,
            resolution: 61, plausiblePower: Power(watts: 100), silicon: id)
        let availability = locked.map { MeterAvailability.unavailable(reason: $0.reason, remedy: $0.remedy) }
        return MeterListing(description: description, availability: availability ?? .available) { NeverRead() }
    }

    /// `doctor` looks at meters and does not read them.
    private final class NeverRead: MeterReader {
        func read() -> Reading {
            Issue.record("a meter was read")
            return .nothingNew
        }
    }

    /// `/proc/cpuinfo` of one CPU.
    static func cpuinfo(vendor: String = "GenuineIntel", flags: String = "fpu tsc", cpus: Int = 1) -> [String: String] {
        let each = (0..<cpus).map { "processor\t: \($0)\nvendor_id\t: \(vendor)\nflags\t\t: \(flags)\n" }
        return ["/proc/cpuinfo": each.joined(separator: "\n")]
    }

    /// The same file of several CPUs, one value each.
    static func perCPU(_ file: String, _ values: [String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: values.enumerated().map { ("\(cpu)/cpu\($0)/\(file)", $1 + "\n") })
    }
}

/// Of two machines in one, the second says what holds.
func + (a: [String: String], b: [String: String]) -> [String: String] { a.merging(b) { $1 } }
