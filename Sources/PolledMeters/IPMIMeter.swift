import Core
import Glibc
import Host
import Metering
import Subprocess
import SystemPackage

/// The machine's own BMC, by DCMI: the power of the whole board.
///
/// DCMI 1.5, 6.6.1, Get Power Reading, as the programs of freeipmi (`ipmi-dcmi --get-system-power-statistics`) and
/// ipmitool (`ipmitool dcmi power reading`) print it.
enum IPMIMeter {
    private static let id = "ipmi/dcmi"
    /// As drivers/char/ipmi/ipmi_devintf.c and freeipmi know them.
    private static let devices = ["/dev/ipmi0", "/dev/ipmi/0", "/dev/ipmidev/0"]
    private static let programs: [(name: String, arguments: [String])] = [
        ("ipmi-dcmi", ["--get-system-power-statistics"]),
        ("ipmitool", ["dcmi", "power", "reading"]),
    ]
    private static let defaultPeriod = 2.0
    private static let timeLimit = 5.0

    /// `nil` on a machine without a BMC that the kernel knows.
    static func discover(_ host: HostRoot, searchPath: [String], limit: Double) async -> MeterListing? {
        guard let device = devices.first(where: host.exists) else { return nil }
        guard access(host.path(device), R_OK | W_OK) == 0 else {
            return unavailable(
                DeviceError(
                    "\(device) may not be opened: \(String(cString: strerror(Glibc.errno)))",
                    remedy: "run as root, or read the BMC by Redfish (taskwatt.yaml)", errno: Glibc.errno),
                source: device)
        }
        guard let command = Command.find(programs, in: searchPath) else {
            return unavailable(
                DeviceError(
                    "neither ipmi-dcmi nor ipmitool is installed", remedy: "sudo apt install freeipmi-tools",
                    errno: ENOENT), source: device)
        }
        // By its path too, for tests have programs of their own.
        var hasher = Hasher()
        hasher.combine(String(describing: command))
        return await ProbeCache.shared.listing(hasher.finalize(), freshFor: defaultPeriod) {
            await probe(command, limit: limit)
        }
    }

    private static func probe(_ command: Command, limit: Double) async -> MeterListing {
        do throws(DeviceError) {
            let before = Clocks.monotonic()
            let statistics = try await command.run(limit: limit)
            let seed = TimedReading(
                reading: .gauge(microwatts: Power(watts: statistics.watts).microwatts),
                time: before.advanced(byNanoseconds: (Clocks.monotonic() - before) / 2))
            let schedule = PollSchedule(
                periodSeconds: statistics.period, shortestSpacing: statistics.period)
            return MeterListing(
                description: description(source: command.name, period: statistics.period), availability: .available
            ) {
                PolledReader(kind: .gauge, schedule: schedule, sharedAs: "\(id) \(command.path)", seed: seed) {
                    limit throws(DeviceError) in
                    DeviceValue(try await command.run(limit: limit).watts, .watt, step: 1)
                }
            }
        } catch {
            return unavailable(error, source: command.name)
        }
    }

    private static func unavailable(_ error: DeviceError, source: String) -> MeterListing {
        MeterListing(
            description: description(source: source, period: defaultPeriod),
            availability: .unavailable(reason: error.reason, remedy: error.remedy)
        ) {
            UnreadableMeter(errno: error.errno)
        }
    }

    private static func description(source: String, period: Double) -> MeterDescription {
        MeterDescription(
            id: id, name: "BMC", scope: .system, kind: .gauge, provenance: .measured, source: source,
            periodSeconds: period, resolution: 1e6, plausiblePower: Power(watts: 20_000),
            silicon: ConfiguredMeter.board)
    }

    /// What the programs print, as far as it is of use.
    struct Statistics: Sendable, Hashable {
        var watts: Double
        /// In seconds.
        var period: Double

        /// - Throws: `DeviceError` where there is no power, or the BMC says that it does not measure.
        init(_ text: String) throws(DeviceError) {
            var watts: Double?
            var isActive = false
            var period: Double?
            for line in text.split(whereSeparator: \.isNewline) {
                guard let colon = line.firstIndex(of: ":") else { continue }
                let key = line[..<colon].trimmed.lowercased()
                let words = line[line.index(after: colon)...].split(separator: " ")
                guard let first = words.first else { continue }
                switch key {
                case "current power", "instantaneous power reading": watts = Double(first)
                case "statistics reporting time period": period = Double(first).map { $0 / 1000 }
                case "sampling period":
                    let isMilliseconds = words.dropFirst().first?.lowercased().hasPrefix("milli") ?? false
                    period = Double(first).map { isMilliseconds ? $0 / 1000 : $0 }
                case "power measurement", "power reading state is":
                    isActive = ["active", "activated"].contains(first.lowercased())
                default: break
                }
            }
            guard let watts else { throw .unusable("the BMC's answer has no power") }
            guard isActive else {
                throw .unusable(
                    "the BMC does not measure power now", remedy: "turn on power monitoring in the BMC's settings")
            }
            guard watts > 0 else {
                throw .unusable("the BMC says \(Int64(saturating: watts)) W of a machine that runs")
            }
            self.watts = watts
            // Some BMCs give their averaging time, others how long they have kept statistics, which may be weeks.
            self.period = period.flatMap { (0.001...10).contains($0) ? max($0, 1) : nil } ?? defaultPeriod
        }
    }

    /// A program that is installed.
    private struct Command: Sendable {
        var name: String
        var path: String
        var arguments: [String]

        static func find(_ programs: [(name: String, arguments: [String])], in directories: [String]) -> Command? {
            for program in programs {
                for directory in directories {
                    let path = "\(directory)/\(program.name)"
                    if access(path, X_OK) == 0 {
                        return Command(name: program.name, path: path, arguments: program.arguments)
                    }
                }
            }
            return nil
        }

        /// - Throws: `DeviceError`, where it does not end within the limit, or not well.
        func run(limit: Double) async throws(DeviceError) -> Statistics {
            try Statistics(
                try await within(min(limit, timeLimit), from: name) { () async throws(DeviceError) -> String in
                    try await output()
                })
        }

        private func output() async throws(DeviceError) -> String {
            var options = PlatformOptions()
            // A session of its own, so that what it starts ends with it.
            options.createSession = true
            options.teardownSequence = [
                .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(100))
            ]
            do {
                let result = try await Subprocess.run(
                    .path(FilePath(path)), arguments: Arguments(arguments),
                    environment: .inherit.updating(["LC_ALL": "C"]), platformOptions: options,
                    output: .string(limit: 64 << 10), error: .string(limit: 64 << 10))
                guard result.terminationStatus.isSuccess else {
                    let words = result.standardError.split(whereSeparator: \.isNewline).first
                    throw DeviceError("\(name) failed: \(words.map { String($0.prefix(200)) } ?? "it says nothing")")
                }
                return result.standardOutput
            } catch let error as DeviceError {
                throw error
            } catch {
                throw DeviceError("\(name) cannot be run: \(error)")
            }
        }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
