import Core

/// The lines that tell people how a suite goes on, of its events.
package struct RunProgress: Sendable {
    /// A line, and for how long it counts.
    package enum Line: Sendable, Hashable {
        /// It stays.
        case lasting(String)
        /// The next one takes its place.
        case passing(String)
    }

    private var entry = 0
    private var entries = 0

    package init() {}

    /// - Returns: `nil` of an event of which nothing is told.
    package mutating func line(_ event: RunEvent) -> Line? {
        if let entry = event.entry { self.entry = entry }
        if let entries = event.entries { self.entries = entries }
        return switch event.event {
        case .queued: event.message.map { .lasting("queued, \($0)") }
        case .message: event.message.map { .lasting(prefix(event) + $0) }
        case .stage: .passing(prefix(event) + Self.stage(event))
        case .progress: .passing(prefix(event) + progress(event))
        case .result: event.run.flatMap { result($0, event) }.map { .lasting($0) }
        case .started, .finished: nil
        }
    }

    // MARK: Texts

    private func prefix(_ event: RunEvent) -> String {
        guard let task = event.task else { return "" }
        return "[\(entry)/\(entries)] \(task.rawValue): "
    }

    /// What is being done, such as `repeat 2/10`.
    package static func stage(_ event: RunEvent) -> String {
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

    private func result(_ run: RunRecord, _ event: RunEvent) -> String? {
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
            text = prefix(event) + "model loaded, \(energy)"
        case .warmUp: return nil
        case .query:
            if run.error != nil {
                // Why is said at the end, once.
                text = prefix(event) + "failed"
            } else {
                let seconds = run.energy.window.durationSeconds
                let inferences =
                    "repeat \(Self.ordinal(event)): \(FigureText.count(run.completedInferences, "inference")) in "
                    + DurationText.figure(seconds)
                guard total.isSeen else {
                    text =
                        prefix(event)
                        + "\(inferences); the meters saw \(FigureText.percent(total.coverage, digits: 0)), so it stays out of the "
                        + "table\(flags(run))"
                    break
                }
                let figure = run.kilowattHoursPer1000.map { ", \(FigureText.figure($0)) kWh per 1,000" } ?? ""
                text =
                    prefix(event)
                    + "\(inferences), \(FigureText.figure(total.energy.over(seconds)?.watts)) W\(otherScopes(run.energy))"
                    + "\(figure)\(flags(run))"
            }
        }
        return text
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
}
