import API
import Core
import Reporting
package import Service
package import Terminal

extension ScheduleStatus {
    /// `taskwatt schedule list`, for people.
    package static func text(_ schedules: [ScheduleStatus]) -> ConsoleText {
        var table = TextTable([
            ("name", .left), ("suite", .left), ("when", .left), ("next", .left), ("last", .left), ("result", .left),
        ])
        for line in schedules {
            table.add([
                line.schedule.name, line.schedule.suite, line.schedule.calendar,
                line.next.map(LocalTime.text) ?? "–",
                line.last.map { LocalTime.text($0.startedAt ?? $0.submittedAt) } ?? "–",
                line.last.map { job in job.waitsFor.map { "waits for \($0)" } ?? job.state.rawValue } ?? "–",
            ])
        }
        var text = ConsoleText.lines(table.text())
        for line in schedules {
            for failure in line.last?.failures ?? [] { text += "\(line.schedule.name): \(failure)\n" }
        }
        return text
    }
}
