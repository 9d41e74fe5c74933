import Accounting
import Core
import Foundation
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
    static let id = "ipmi/dcmi"
    /// As drivers/char/ipmi/ipmi_devintf.c and freeipmi know them.
    private static let devices = ["/dev/ipmi0", "/dev/ipmi/0", "/dev/ipmidev/0"]
    private static let programs: [(name: String, arguments: [String])] = [
        ("ipmi-dcmi", ["--get-system-power-statistics"]),
        ("ipmitool", ["dcmi", "power", "reading"]),
    ]
    private static let defaultPeriod = 2.0
    private static let timeLimit = 5.0
    /// No board takes more.
    private static let plausiblePower = Power(watts: 20_000)

    /// `nil` on a machine without a BMC that the kernel knows.
    ///
    /// - Parameter override: what the configuration says of it.
    static func discover(
        _ host: HostRoot, searchPath: [String], override: MeterOverride?, limit: Double
    ) async -> MeterListing? {
        guard let device = devices.first(where: host.exists) else { return nil }
        guard access(host.path(device), R_OK | W_OK) == 0 else {
            return unavailable(
                DeviceError(
                    "\(device) may not be opened: \(String(cString: strerror(Glibc.errno)))",
                    remedy: "run as root, or read the BMC by Redfish (taskwatt.yaml)", errno: Glibc.errno),
                source: device)
        }
        let commands = Command.find(programs, in: searchPath)
        guard !commands.isEmpty else {
            return unavailable(
                DeviceError(
                    "neither ipmi-dcmi nor ipmitool is installed", remedy: "sudo apt install freeipmi-tools",
                    errno: ENOENT), source: device)
        }
        let check = Check(
            assumesActive: override?.assumesActive ?? false,
            figure: FigureCheck(
                id: id, scope: override?.scope ?? .system, limit: override?.plausiblePower ?? plausiblePower,
                canInvert: false))
        // By their paths too, for tests have programs of their own.
        var hasher = Hasher()
        hasher.combine(String(describing: commands))
        hasher.combine(check)
        return await ProbeCache.shared.listing(hasher.finalize(), freshFor: defaultPeriod) {
            await probe(commands, check, limit: limit)
        }
    }

    /// What its figures must be.
    private struct Check: Hashable, Sendable {
        /// Whether a reading is taken that the BMC marks as not active.
        var assumesActive: Bool
        var figure: FigureCheck

        func watts(_ statistics: Statistics) throws(DeviceError) -> DeviceValue {
            if !statistics.isActive {
                guard statistics.watts > 0 else {
                    throw .noData(
                        "the BMC does not measure power now", remedy: "turn on power monitoring in the BMC's settings")
                }
                guard assumesActive else {
                    throw .unusable(
                        "the BMC says \(statistics.watts.short) W, and that its power reading is not active",
                        remedy:
                            "if the figure moves with the load, give `assume_active: true` in the override of \(id)")
                }
            }
            return try figure.checked(DeviceValue(statistics.watts, .watt, step: 1))
        }
    }

    /// By the first program with a figure: one may not know what another does.
    private static func probe(_ commands: [Command], _ check: Check, limit: Double) async -> MeterListing {
        var first: MeterListing?
        let begin = Clocks.monotonic()
        for command in commands {
            // All of them together take no longer; one whose BMC is busy leaves nothing for the next.
            let left = limit - Clocks.monotonic().seconds(since: begin)
            guard left > 0 || first == nil else { break }
            let listing = await probe(command, check, limit: left)
            if listing.availability.isAvailable { return listing }
            first = first ?? listing
        }
        return first ?? unavailable(DeviceError("no program asks the BMC"), source: id)
    }

    private static func probe(_ command: Command, _ check: Check, limit: Double) async -> MeterListing {
        do throws(DeviceError) {
            let before = Clocks.monotonic()
            let statistics = try await command.run(limit: limit)
            let value = try check.watts(statistics)
            let seed = TimedReading(
                reading: value.unit.reading(value.number),
                time: before.advanced(byNanoseconds: (Clocks.monotonic() - before) / 2))
            let schedule = PollSchedule(
                periodSeconds: statistics.period, shortestSpacing: statistics.period)
            var description = description(source: command.name, period: statistics.period)
            if !statistics.isActive {
                description.remarks.append("the BMC marks its reading as not active; `assume_active` takes it")
            }
            return MeterListing(description: description, availability: .available) {
                PolledReader(
                    kind: .gauge, schedule: schedule, sharedAs: "\(id) \(command.path) \(check.hashValue)", seed: seed
                ) { limit throws(DeviceError) in
                    try check.watts(try await command.run(limit: limit))
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
            UnreadableMeter(error.reading)
        }
    }

    private static func description(source: String, period: Double) -> MeterDescription {
        MeterDescription(
            id: id, name: "BMC", scope: .system, kind: .gauge, provenance: .measured, source: source,
            periodSeconds: period, resolution: 1e6, plausiblePower: plausiblePower,
            silicon: ConfiguredMeter.board)
    }

    /// What the programs print, as far as it is of use.
    struct Statistics: Sendable, Hashable {
        var watts: Double
        /// Whether the BMC says that it measures. OpenBMC's host-ipmid and others measure and say that they do not.
        var isActive: Bool
        /// In seconds.
        var period: Double

        /// - Throws: `DeviceError` where there is no power.
        init(_ text: String) throws(DeviceError) {
            var watts: Double?
            var isActive = false
            var period: Double?
            var complaint: Substring?
            for line in Self.lines(text) {
                guard let colon = line.firstIndex(of: ":") else { continue }
                let key = line[..<colon].trimmed.lowercased()
                let words = line[line.index(after: colon)...].split(separator: " ")
                guard let first = words.first else { continue }
                switch key {
                case "current power", "instantaneous power reading": watts = Self.number(first)
                case "statistics reporting time period": period = Self.number(first).map { $0 / 1000 }
                case "sampling period":
                    let unit = words.dropFirst().first?.lowercased() ?? ""
                    let isMilliseconds = unit.hasPrefix("milli") || unit.hasPrefix("ms")
                    period = Self.number(first).map { isMilliseconds ? $0 / 1000 : $0 }
                case "power measurement", "power reading state is":
                    isActive = ["active", "activated"].contains(first.lowercased())
                case _ where key.contains("failed"): complaint = complaint ?? line.trimmed
                default: break
                }
            }
            guard let watts else {
                throw .unusable(complaint.map { "the BMC: \($0.prefix(200))" } ?? "the BMC's answer has no power")
            }
            self.watts = watts
            self.isActive = isActive
            // Some BMCs give their averaging time, others how long they have kept statistics, which may be weeks.
            self.period = period.flatMap { (0.001...10).contains($0) ? max($0, 1) : nil } ?? defaultPeriod
        }

        /// ipmitool 1.8.19 prints the sampling period on the line of the time stamp.
        private static func lines(_ text: String) -> [Substring] {
            text.split(whereSeparator: \.isNewline).flatMap { line -> [Substring] in
                guard let place = line.range(of: "Sampling period:"), place.lowerBound > line.startIndex else {
                    return [line]
                }
                return [line[..<place.lowerBound], line[place.lowerBound...]]
            }
        }

        /// With a point or a comma before the decimals, and either between thousands.
        private static func number(_ text: Substring) -> Double? {
            guard let last = text.lastIndex(where: { $0 == "." || $0 == "," }) else { return Double(text) }
            let decimals = text[text.index(after: last)...]
            // A comma with three digits behind it is between thousands: no board draws a thousandth of a watt.
            let isBetweenThousands = text[last] == "," && decimals.count == 3
            let whole = text[..<last].filter { $0 != "." && $0 != "," }
            return Double(isBetweenThousands ? whole + decimals : whole + "." + decimals)
        }
    }

    /// A program that is installed.
    private struct Command: Sendable {
        var name: String
        var path: String
        var arguments: [String]

        /// Each where it is found first.
        static func find(_ programs: [(name: String, arguments: [String])], in directories: [String]) -> [Command] {
            programs.compactMap { program in
                let paths = directories.map { "\($0)/\(program.name)" }
                let found = paths.first { (path: String) in access(path, X_OK) == 0 }
                return found.map { Command(name: program.name, path: $0, arguments: program.arguments) }
            }
        }

        /// - Throws: `DeviceError`, where it does not end within the limit, or not well.
        func run(limit: Double) async throws(DeviceError) -> Statistics {
            let limit = min(limit, timeLimit)
            do throws(DeviceError) {
                return try Statistics(
                    try await within(limit, from: name) { () async throws(DeviceError) -> String in try await output() }
                )
            } catch  where error.errno == ETIMEDOUT {
                throw DeviceError(
                    "\(name) did not end within \(limit.short) s: the BMC is slow or busy",
                    remedy:
                        "see how long it takes by hand (sudo \(name) \(arguments.joined(separator: " "))), or read the BMC by "
                        + "Redfish (taskwatt.yaml)", errno: ETIMEDOUT)
            }
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
