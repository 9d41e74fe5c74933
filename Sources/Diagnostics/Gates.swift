package import Core
import Foundation
package import Host
package import Metering

/// The checks of `doctor` before a suite begins: they go into its record, and a strict suite does not begin where one fails.
package struct Gates: Sendable, Hashable {
    package let checks: [Check]
    /// Whether a meter of the suite's measures; a model of the CPU's power does not.
    package let measures: Bool

    package init(checks: [Check], measures: Bool = true) {
        self.checks = checks
        self.measures = measures
    }

    /// Looks at the machine, which takes the time over which rates are taken.
    ///
    /// - Parameters:
    ///   - measuring: the meters of this suite. Where a daemon reads them, they can be read whatever this process may.
    ///   - accelerators: their state at this moment; may take some milliseconds.
    ///   - seconds: at 100 clock ticks a second, one of less than a second tells no percents.
    package static func examine(
        _ host: HostRoot, listings: [MeterListing], measuring: [MeterDescription],
        accelerators: @escaping @Sendable () -> [AcceleratorState], clock: any MeteringClock, seconds: Double
    ) async -> Gates {
        let ids = Set(measuring.map(\.id))
        // What is simulated was asked for by name, and says so wherever it goes.
        let measures = measuring.contains {
            MeterScope.ofTotals.contains($0.scope) && $0.provenance != .estimated
        }
        let meters = listings.map { listing in
            var listing = listing
            if ids.contains(listing.description.id) { listing.availability = .available }
            return listing
        }
        return await offPool {
            Gates(
                checks: Doctor.examine(
                    host, meters: meters, accelerators: accelerators(), clock: clock, seconds: seconds),
                measures: measures)
        }
    }

    /// JSON for the record: an array of checks.
    package var json: String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(checks)).map { String(decoding: $0, as: UTF8.self) }
    }

    private var failed: [Check] { checks.filter { $0.verdict == .fail } }

    /// What keeps a strict suite from starting, a line each: the check, what is so, and what would help.
    ///
    /// - Parameter allowsEstimate: whether it may start where nothing measures.
    package func refusals(allowsEstimate: Bool) -> [String] {
        let refused = failed.map { check in
            let remedy = check.remedy.map { "; \(Self.firstLine($0))" } ?? ""
            return "not started (strict): \(check.title) fails, \(Self.firstLine(check.found))\(remedy)"
        }
        guard !measures, !allowsEstimate else { return refused }
        return refused + [
            "not started (strict): no meter measures here, so the figures would be estimates; `--allow-estimate` starts "
                + "anyway, and `taskwatt meters` says what would help"
        ]
    }

    /// The checks that fail, for whoever starts a run; `nil` where none does.
    package var note: String? {
        if failed.isEmpty { return nil }
        let list = failed.map { "\($0.title) (\(Self.firstLine($0.found)))" }.joined(separator: "; ")
        return "this machine is not fit for good figures: \(list); `taskwatt doctor` says what would help"
    }

    private static func firstLine(_ text: String) -> String {
        text.split(separator: "\n").first.map(String.init) ?? ""
    }
}
