import ArgumentParser
import Core
import Foundation
import Hardware
import Metering
import Reporting
import Running
import Service
import WorkloadProtocol

struct Meters: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meters",
        abstract: "List every meter of this machine, with the reason if it cannot be read.",
        discussion: """
            If a daemon answers, the list shows what the daemon may read. In JSON, the resolution is in microjoules for a \
            counter and in microwatts for a gauge. `taskwatt help scopes` explains the scopes.

            Examples:
              taskwatt meters
              taskwatt meters --json | jq '.[].meter.id'
            """)

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        let surroundings = Surroundings()
        let meters: [MeterStatus]
        var isByDaemon = false
        if let client = try await DaemonClient.find(surroundings.daemonStates(state)) {
            meters = try await client.get("/v1/meters")
            isByDaemon = true
        } else {
            meters = await MeterStatus.read(try await surroundings.meters(state))
        }
        if json {
            Console.print(try Console.json(meters))
            return
        }
        var table = TextTable([
            ("meter", .left), ("name", .left), ("scope", .left), ("kind", .left), ("provenance", .left),
            ("period", .right),
            ("resolution", .right), ("range", .right), ("reading", .right), ("power", .right),
        ])
        for status in meters {
            let meter = status.meter
            table.add([
                meter.id, meter.name, meter.scope.rawValue, meter.kind.rawValue, meter.provenance.rawValue,
                meter.periodSeconds < 1
                    ? "\(Self.short(meter.periodSeconds * 1000)) ms" : "\(Self.short(meter.periodSeconds)) s",
                Self.micro(meter.resolution, meter.kind == .counter ? "J" : "W"),
                meter.rangeMicrojoules.map { "\(Self.short(Double($0) / 1e6)) J" } ?? "–",
                status.energy.map { "\(Self.short($0.joules)) J" } ?? "–",
                status.isAvailable ? status.power.map { String(format: "%.2f W", $0.watts) } ?? "–" : "unavailable",
            ])
        }
        Console.print(.lines(table.text()))
        for status in meters {
            if let reason = status.reason {
                Console.print("\n\(status.meter.id): \(reason)")
                if let remedy = status.remedy { Console.print("\n    \(lines: remedy)") }
                Console.print("\n")
            }
            if status.isAvailable, !status.isProven {
                Console.print(
                    "\(status.meter.id): unproven: its value has not changed yet. It is used, and flagged\n"
                )
            }
            if status.isAvailable, status.meter.provenance != .estimated {
                Console.print("\(status.meter.id): accuracy \(status.meter.accuracy?.text ?? "not stated")\n")
            }
            for remark in status.meter.remarks { Console.print("\(status.meter.id): \(remark)\n") }
        }
        // What is there and cannot be read has said so by itself.
        let kind = MachineKind(surroundings.host)
        let measures = meters.contains { $0.meter.provenance != .estimated }
        if let line = kind.line(measures: measures, isByDaemon: isByDaemon) { Console.print("\(line)\n") }
    }

    /// A value in micro-units with the prefix that fits it.
    private static func micro(_ value: Double, _ unit: String) -> String {
        let prefixes = [(1e6, ""), (1e3, "m"), (1, "µ")]
        let (factor, prefix) = prefixes.first { value >= $0.0 } ?? (1, "µ")
        return "\(String(format: "%.4g", value / factor)) \(prefix)\(unit)"
    }

    private static func short(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e9 ? String(Int(saturating: value)) : String(format: "%.6g", value)
    }
}

struct HardwareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hardware",
        abstract: "List the hardware: CPU, memory, PCI devices, accelerators, sensors.",
        discussion: """
            Examples:
              taskwatt hardware
              taskwatt hardware --json | jq .accelerators
            """)

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let inventory = Inventory.discover(Surroundings().host)
        Console.print(json ? try Console.json(inventory) : .lines(InventoryText.render(inventory)))
    }
}
