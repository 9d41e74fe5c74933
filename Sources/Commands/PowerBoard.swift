package import API
import Core
import Reporting
import Running

/// `taskwatt top`: the power of every meter and of the tasks that were seen to run, and the most of each so far.
package struct PowerBoard: Sendable {
    private var most: [String: Power] = [:]
    private var tasks = TaskPowers()

    package init() {}

    /// - Parameters:
    ///   - meters: as they are now.
    ///   - daemon: what it does; `nil` without one.
    /// - Returns: all of it, for people.
    package mutating func look(_ meters: [MeterStatus], _ daemon: DaemonStatus? = nil) -> String {
        if let daemon { tasks.look(daemon) }
        for meter in meters {
            if let power = meter.power { most[meter.meter.id] = max(power, most[meter.meter.id] ?? power) }
        }
        return text(meters, daemon)
    }

    private func text(_ meters: [MeterStatus], _ daemon: DaemonStatus?) -> String {
        var text = ""
        if let daemon {
            let kind = [daemon.scope?.rawValue, daemon.provenance?.rawValue].compactMap(\.self).joined(separator: ", ")
            text += daemon.power.map { "\(FigureText.fixed($0.watts, 2)) W in all (\(kind))\n" } ?? ""
            let jobs = daemon.jobs.filter { [.queued, .running].contains($0.state) }
            for job in jobs { text += "job \(job.id): \(PrintableText.of(job.suite)), \(job.state.rawValue)\n" }
            text += (jobs.isEmpty ? "no job\n" : "") + "\n" + tasks.text()
        }
        var table = TextTable([
            ("meter", .left), ("scope", .left), ("provenance", .left), ("W", .right), ("max W", .right), ("", .left),
        ])
        let read = meters.filter(\.isAvailable)
        let widest = max(read.compactMap(\.power?.watts).max() ?? 0, 1e-9)
        for meter in read.sorted(by: { ($0.power ?? .zero) > ($1.power ?? .zero) }) {
            let bar =
                meter.power.map {
                    String(repeating: "#", count: max(0, min(20, Int(saturating: 20 * $0.watts / widest))))
                } ?? ""
            table.add([
                meter.meter.id, meter.meter.scope.rawValue, meter.meter.provenance.rawValue,
                meter.power.map { FigureText.fixed($0.watts, 2) } ?? FigureText.none,
                most[meter.meter.id].map { FigureText.fixed($0.watts, 2) } ?? FigureText.none, bar,
            ])
        }
        let silent = meters.count - read.count
        return text + table.text()
            + (silent > 0 ? "\(silent) cannot be read: `taskwatt meters` says why\n" : "")
    }
}

/// The tasks that were seen to run, and the machine's power meanwhile.
private struct TaskPowers: Sendable {
    private struct Line: Sendable {
        var job: Int
        var task: MLTask
        var doing = ""
        var now: Power?
        /// Of the looks in which it answered queries.
        var sum = 0.0
        var looks = 0
    }

    private var lines: [Line] = []

    mutating func look(_ daemon: DaemonStatus) {
        for index in lines.indices { (lines[index].now, lines[index].doing) = (nil, "") }
        guard let job = daemon.jobs.first(where: { $0.state == .running }), let event = job.progress,
            let task = event.task
        else { return }
        let index = lines.firstIndex { $0.job == job.id && $0.task == task } ?? lines.endIndex
        if index == lines.endIndex { lines.append(Line(job: job.id, task: task)) }
        lines[index].doing = RunProgress.stage(event)
        lines[index].now = daemon.power
        guard event.stage == .query, let watts = daemon.power?.watts else { return }
        lines[index].sum += watts
        lines[index].looks += 1
    }

    /// Empty while there was none.
    func text() -> String {
        guard !lines.isEmpty else { return "" }
        var table = TextTable([("task", .left), ("job", .right), ("", .left), ("W", .right), ("mean W", .right)])
        for line in lines.suffix(10) {
            table.add([
                line.task.rawValue, "\(line.job)", line.doing,
                line.now.map { FigureText.fixed($0.watts, 2) } ?? FigureText.none,
                line.looks > 0 ? FigureText.fixed(line.sum / Double(line.looks), 2) : FigureText.none,
            ])
        }
        return table.text() + "\n"
    }
}
