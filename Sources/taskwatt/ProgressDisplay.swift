import Core
import Foundation
import Reporting
import Running
import Synchronization

/// Shows how a run goes on: one line that changes on a terminal, plain lines elsewhere. Both on standard error.
final class ProgressDisplay: Sendable {
    private struct State {
        var lineIsOpen = false
        var entry = 0
        var entries = 0
    }

    private let isTerminal: Bool
    private let state = Mutex(State())

    init() { isTerminal = Console.isTerminal(STDERR_FILENO) }

    func show(_ event: RunEvent) {
        state.withLock { state in
            if let entry = event.entry { state.entry = entry }
            if let entries = event.entries { state.entries = entries }
            switch event.event {
            case .queued: if let message = event.message { line("queued, \(message)", &state) }
            case .started: break
            case .message: if let message = event.message { line(prefix(event, state) + message, &state) }
            case .stage: if isTerminal { change(prefix(event, state) + Self.stage(event), &state) }
            case .progress: if isTerminal { change(prefix(event, state) + progress(event), &state) }
            case .result: if let run = event.run { result(run, event, &state) }
            case .finished: close(&state)
            }
        }
    }

    /// Leaves the terminal in order before something else is printed.
    func end() {
        state.withLock { close(&$0) }
    }

    // MARK: Texts

    private func prefix(_ event: RunEvent, _ state: State) -> String {
        guard let task = event.task else { return "" }
        return "[\(state.entry)/\(state.entries)] \(task.rawValue): "
    }

    /// What is being done, such as `repeat 2/10`.
    static func stage(_ event: RunEvent) -> String {
        switch event.stage {
        case .load: "loading the model"
        case .warmUp: "warming up"
        case .query: "repeat \(ordinal(event))"
        case .idle, .idleAfter: "measuring the idle power"
        case nil: "starting"
        }
    }

    /// `2/10`, or `2` where it is not known how many there will be.
    private static func ordinal(_ event: RunEvent) -> String {
        "\(event.repeatIndex ?? 1)" + (event.repeats.map { "/\($0)" } ?? "")
    }

    private func progress(_ event: RunEvent) -> String {
        var parts = [Self.stage(event)]
        if event.stage == .idle || event.stage == .idleAfter {
            parts.append("\(event.completed ?? 0)/\(event.total ?? 0) s")
        } else if let completed = event.completed {
            if let total = event.total {
                parts.append("\(bar(Double(completed) / Double(max(1, total)))) \(completed)/\(total)")
            } else {
                parts.append("\(completed) inferences")
            }
        }
        if let power = event.power { parts.append("\(FigureText.fixed(power.watts, 1)) W") }
        if let remaining = event.remainingSeconds {
            parts.append("\(DurationText.clock(remaining)) left")
        }
        return parts.joined(separator: " · ")
    }

    private func bar(_ share: Double) -> String {
        let width = 20
        let full = max(0, min(width, Int(saturating: (share * Double(width)).rounded(.down))))
        return String(repeating: "█", count: max(0, full)) + String(repeating: "░", count: max(0, width - full))
    }

    private func result(_ run: RunRecord, _ event: RunEvent, _ state: inout State) {
        let total = run.energy.total
        let text: String
        switch run.stage {
        case .idle, .idleAfter:
            // The scatter of a model's blocks says nothing of how true the model is.
            let scatter = total.provenance == .estimated ? nil : run.idle?.halfWidth
            let power =
                run.idlePower.map { idle in
                    scatter.map { FigureText.prefixed(idle.watts, uncertainty: $0, "W") }
                        ?? "\(FigureText.figure(idle.watts)) W"
                } ?? "not known: \(total.isSeen ? "too short for the meters" : "the meters saw too little of it")"
            text = "idle power \(power) (\(total.provenance.rawValue))\(flags(run))"
        case .load:
            let energy = total.coverage > 0 ? FigureText.joules(total.energy.joules) : "its energy was not seen"
            text = prefix(event, state) + "model loaded, \(energy)"
        case .warmUp: return
        case .query:
            if run.error != nil {
                // Why is said at the end, once.
                text = prefix(event, state) + "failed"
            } else {
                let seconds = run.energy.window.durationSeconds
                let inferences =
                    "repeat \(Self.ordinal(event)): \(FigureText.count(run.completedInferences, "inference")) in "
                    + DurationText.figure(seconds)
                guard total.isSeen else {
                    text =
                        prefix(event, state)
                        + "\(inferences); the meters saw \(FigureText.percent(total.coverage, digits: 0)), so it stays out of the "
                        + "table\(flags(run))"
                    break
                }
                let figure = run.kilowattHoursPer1000.map { ", \(FigureText.figure($0)) kWh per 1,000" } ?? ""
                text =
                    prefix(event, state)
                    + "\(inferences), \(FigureText.figure(total.energy.over(seconds)?.watts)) W\(otherScopes(run.energy))"
                    + "\(figure)\(flags(run))"
            }
        }
        line(text, &state)
    }

    /// The other scopes that were measured, beside the total.
    private func otherScopes(_ energy: WindowEnergy) -> String {
        let parts = energy.otherScopes.compactMap { other in
            other.isSeen
                ? other.energy.over(energy.window.durationSeconds).map {
                    "\(other.scope.rawValue) \(FigureText.figure($0.watts)) W"
                } : "\(other.scope.rawValue) not seen"
        }
        return parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
    }

    private func flags(_ run: RunRecord) -> String {
        run.flags.isEmpty ? "" : " [\(run.flags.map(\.rawValue).joined(separator: ", "))]"
    }

    // MARK: The terminal

    private func line(_ text: String, _ state: inout State) {
        close(&state)
        Console.error("\(text)\n")
    }

    private func change(_ text: String, _ state: inout State) {
        // A line that is cut is better than one that wraps, for a wrapped one cannot be taken back.
        Console.status(String(text.prefix((Console.width(of: STDERR_FILENO) ?? 80) - 1)))
        state.lineIsOpen = true
    }

    private func close(_ state: inout State) {
        if state.lineIsOpen { Console.clearStatus() }
        state.lineIsOpen = false
    }
}
