package import Collecting
import Core
import Recording
import Reporting
import Terminal

/// The enrolled machines for people: `taskwatt collect machines`.
package struct FleetList: Sendable {
    package let text: String

    package init(_ entries: [FleetEntry]) {
        var table = TextTable([
            ("machine", .left), ("class", .left), ("latest suite", .left), ("drift", .left), ("heard", .left),
            ("last bundle", .left), ("to send", .right), ("oldest", .left), ("clock", .right), ("version", .left),
        ])
        for entry in entries { table.add(Self.cells(entry)) }
        text = table.text()
    }

    private static func cells(_ entry: FleetEntry) -> [String] {
        let machine = entry.machine
        let none = FigureText.none
        return [
            machine.name + (machine.revokedAt == nil ? "" : " (revoked)"),
            entry.equipment.map(PrintableText.oneLine) ?? none,
            entry.latest.map { "\(LocalTime.text($0.startedAt)) \(PrintableText.oneLine($0.suite)), \($0.status)" }
                ?? none,
            entry.drift == .unknown ? none : entry.drift.rawValue,
            machine.lastSeenAt.map(LocalTime.text) ?? "never",
            machine.lastBundleAt.map(LocalTime.text) ?? "never",
            machine.waiting.map(String.init) ?? none,
            machine.oldestSeconds.map(DurationText.figure) ?? none,
            machine.clockSkew.map { "\(FigureText.fixed($0, 1)) s" } ?? none, machine.version ?? none,
        ]
    }
}
