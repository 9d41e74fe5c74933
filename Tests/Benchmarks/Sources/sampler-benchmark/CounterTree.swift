import Core
import Foundation
import Glibc
import Metering
import TestSupport

/// Powercap zones in a temporary tree, whose counters advance when told to.
final class CounterTree {
    private static let watts = 10.0

    private let directory: TemporaryDirectory
    /// The files of the counters.
    let paths: [String]
    private var files: [Int32] = []
    private var microjoules: Int64 = 100_000_000_000

    init(zones: Int) throws {
        directory = try TemporaryDirectory()
        let zonePaths = (0..<zones).map { "/sys/class/powercap/intel-rapl:\($0)" }
        for (index, zone) in zonePaths.enumerated() {
            try directory.write("\(zone)/name", "package-\(index)\n")
            try directory.write("\(zone)/max_energy_range_uj", "262143328850\n")
            try directory.write("\(zone)/constraint_0_power_limit_uw", "125000000\n")
            try directory.write("\(zone)/energy_uj", "\(microjoules)\n")
        }
        let prefix = directory.path
        paths = zonePaths.map { "\(prefix)\($0)/energy_uj" }
        for path in paths {
            let file = open(path, O_WRONLY | O_CLOEXEC)
            guard file >= 0 else { throw BenchmarkFailure("cannot write \(path): \(String(cString: strerror(errno)))") }
            files.append(file)
        }
    }

    deinit { for file in files { close(file) } }

    /// What the real discovery makes of the tree.
    var listings: [MeterListing] { PowercapMeter.discover(directory.host) }

    /// Adds the energy of a time to every counter. The number of digits stays: a reader never meets half a number's end.
    func advance(seconds: Double) {
        microjoules += Int64(saturating: Self.watts * seconds * 1e6)
        let text = "\(microjoules)\n"
        for file in files { _ = text.withCString { pwrite(file, $0, text.utf8.count, 0) } }
    }
}

/// One line that says what is wrong.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
