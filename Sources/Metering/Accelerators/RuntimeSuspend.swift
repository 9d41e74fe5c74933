import Accounting
import Core
import Host

/// Runtime power management of accelerators: one that the kernel has suspended draws nothing, whether or not its meter answers, and to
/// ask it would wake it.
///
/// Documentation/ABI/testing/sysfs-devices-power: `power/runtime_status` is "suspended", "suspending", "resuming", "active", "error" or
/// "unsupported".
struct RuntimeSuspend: Sendable {
    let host: HostRoot

    private static func file(of meter: MeterDescription) -> String? {
        guard meter.scope == .accelerator else { return nil }
        return "/sys/bus/pci/devices/\(meter.silicon)/power/runtime_status"
    }

    /// `nil` where the kernel says nothing of a meter's device, or it is no accelerator.
    func status(of meter: MeterDescription) -> String? { Self.file(of: meter).flatMap { try? host.read($0) } }

    /// The accelerators' meters, which tell 0 W, or no more energy, for as long as their devices are suspended.
    func watched(_ listings: [MeterListing]) -> [MeterListing] {
        listings.map { listing in
            guard listing.availability.isAvailable, listing.found == nil else { return listing }
            return watched(listing)
        }
    }

    /// An accelerator that sleeps and that no meter could read if it were awake: for as long as it sleeps it is known to draw nothing.
    /// Beside a package that is measured alone, for where nothing else measures the model of the machine is to stand in.
    func standingIn(_ listings: [MeterListing]) -> [MeterListing] {
        let available = listings.filter { $0.availability.isAvailable }.map(\.description)
        guard available.contains(where: { $0.scope == .package && $0.provenance != .estimated }) else {
            return listings
        }
        var seen = Set(available.map(\.silicon))
        return listings.map { listing in
            guard case .unavailable(let reason, _) = listing.availability, !listing.isDouble, !listing.isIgnored,
                status(of: listing.description) == "suspended", seen.insert(listing.description.silicon).inserted
            else { return listing }
            var sleeper = listing
            sleeper.availability = .available
            sleeper.isProven = true
            sleeper.description.kind = .gauge
            sleeper.description.rangeMicrojoules = nil
            sleeper.description.remarks.append(
                "it sleeps (runtime suspend) and draws nothing; once awake it cannot be read: \(reason)")
            return watched(sleeper)
        }
    }

    private func watched(_ listing: MeterListing) -> MeterListing {
        guard let file = Self.file(of: listing.description), host.exists(file) else { return listing }
        var watched = listing
        let (host, kind, open) = (host, listing.description.kind, listing.open)
        watched.open = { SleepingReader(open(), kind, TextFileReader(host: host, path: file)) }
        return watched
    }
}

/// A meter of a device that may be suspended.
private final class SleepingReader: MeterReader {
    private let meter: any MeterReader
    private let kind: MeterKind
    private let status: TextFileReader
    private var last: Reading?

    init(_ meter: any MeterReader, _ kind: MeterKind, _ status: TextFileReader) {
        self.meter = meter
        self.kind = kind
        self.status = status
    }

    var readTime: MonotonicTime? { meter.readTime }

    func read() -> Reading {
        if isAsleep {
            switch kind {
            case .gauge: return .gauge(microwatts: 0)
            // What it stood at before; where that is not known it must be asked.
            case .counter: if let last { return last }
            }
        }
        let reading = meter.read()
        switch reading {
        case .counter: last = reading
        // A driver refuses in its own way while the device falls asleep or wakes.
        case .failed, .gone: if isDormant { return .noData(.asleep) }
        case .gauge, .nothingNew, .noData: break
        }
        return reading
    }

    /// "suspending", "suspended" or "resuming"; not "active", "error" or "unsupported", and not what has gone.
    private var isDormant: Bool {
        (try? status.read { bytes in
            bytes.first == UInt8(ascii: "s") || bytes.first == UInt8(ascii: "r")
        }) ?? false
    }

    /// "suspended", and neither "suspending" nor "unsupported".
    private var isAsleep: Bool {
        let letters: StaticString = "suspended"
        return
            (try? status.read { bytes in
                guard bytes.count >= letters.utf8CodeUnitCount else { return false }
                for index in 0..<letters.utf8CodeUnitCount where bytes[index] != letters.utf8Start[index] {
                    return false
                }
                return true
            }) ?? false
    }
}
