package import API
import Accounting
import Client
import Core
import Diagnostics
import Metering
import Reporting
package import Settings
package import Terminal

/// `taskwatt meters`: the meters as the daemon may read them, or as this process may.
package struct MeterList: Sendable {
    package let meters: [MeterStatus]
    /// What the kind of the machine has to do with it that nothing measures.
    private let hint: String?

    init(_ meters: [MeterStatus], hint: String?) { (self.meters, self.hint) = (meters, hint) }

    package static func read(_ surroundings: Surroundings) async throws -> MeterList {
        let client = try await surroundings.daemon()
        let meters: [MeterStatus] =
            if let client { try await client.get("/v1/meters") } else {
                await MeterStatus.read(try await surroundings.meters())
            }
        // What is there and cannot be read says so by itself.
        return MeterList(
            meters,
            hint: MachineKind(surroundings.host).line(
                measures: meters.contains { $0.meter.provenance != .estimated }, isByDaemon: client != nil))
    }

    /// For people: a table, and what is to be known of each.
    package var text: ConsoleText {
        var table = TextTable([
            ("meter", .left), ("name", .left), ("scope", .left), ("kind", .left), ("provenance", .left),
            ("period", .right), ("resolution", .right), ("range", .right), ("reading", .right), ("power", .right),
        ])
        for status in meters {
            let meter = status.meter
            table.add([
                meter.id, meter.name, meter.scope.rawValue, meter.kind.rawValue, meter.provenance.rawValue,
                DurationText.short(meter.periodSeconds),
                FigureText.prefixed(meter.resolution / 1e6, meter.kind == .counter ? "J" : "W"),
                meter.rangeMicrojoules.map { "\(FigureText.short(Double($0) / 1e6)) J" } ?? FigureText.none,
                status.energy.map { "\(FigureText.short($0.joules, digits: 9)) J" } ?? FigureText.none,
                status.powerText,
            ])
        }
        var text = ConsoleText.lines(table.text())
        for status in meters {
            if let reason = status.reason {
                text += "\n\(status.meter.id): \(reason)"
                if let remedy = status.remedy { text += "\n    \(lines: remedy)" }
                text += "\n"
            }
            if status.isAvailable, !status.isProven {
                text += "\(status.meter.id): unproven: its value has not changed yet. It is used, and flagged\n"
            }
            if status.isAvailable, status.meter.provenance != .estimated {
                text += "\(status.meter.id): accuracy \(status.meter.accuracy?.text ?? "not stated")\n"
            }
            for remark in status.meter.remarks { text += "\(status.meter.id): \(remark)\n" }
        }
        if let hint { text += "\(hint)\n" }
        return text
    }
}

extension MeterStatus {
    /// The power, or that there is none and in how far.
    fileprivate var powerText: String {
        switch reading {
        case .noData: "no data"
        case .failed: "failed"
        case .gone: "gone"
        case .value, nil:
            isAvailable ? power.map { "\(FigureText.fixed($0.watts, 2)) W" } ?? FigureText.none : "unavailable"
        }
    }
}
