import API
import Accounting
import ArgumentParser
import Client
import Core
import Diagnostics
import Foundation
import Hardware
import Metering
import Reporting
import Running
import Service
import Settings
import Terminal
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
        let surroundings = state.surroundings
        let meters: [MeterStatus]
        var isByDaemon = false
        if let client = try await surroundings.daemon() {
            meters = try await client.get("/v1/meters")
            isByDaemon = true
        } else {
            meters = await MeterStatus.read(try await surroundings.meters())
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
                DurationText.short(meter.periodSeconds),
                FigureText.prefixed(meter.resolution / 1e6, meter.kind == .counter ? "J" : "W"),
                meter.rangeMicrojoules.map { "\(FigureText.short(Double($0) / 1e6)) J" } ?? FigureText.none,
                status.energy.map { "\(FigureText.short($0.joules, digits: 9)) J" } ?? FigureText.none,
                Self.power(status),
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

    /// The power, or that there is none and in how far.
    private static func power(_ status: MeterStatus) -> String {
        switch status.reading {
        case .noData: "no data"
        case .failed: "failed"
        case .gone: "gone"
        case .value, nil:
            status.isAvailable
                ? status.power.map { "\(FigureText.fixed($0.watts, 2)) W" } ?? FigureText.none : "unavailable"
        }
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
