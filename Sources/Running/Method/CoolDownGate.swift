import Core
import Host
import Metering
import Suites

/// Lets the machine rest between repeats: for a time, and until it is back to where the first repeat began.
struct CoolDownGate {
    /// Within so many kelvins of the first repeat's temperature, and within so large a part above its power, is back.
    private static let kelvins = 2.0
    private static let powerShare = 0.1
    private static let pollSeconds = 1.0

    let runner: Runner
    private var reference: (temperature: Double?, power: Power?)?

    init(runner: Runner) { self.runner = runner }

    /// Whether there is a rest before a repeat. Where the suite has a gate the first repeat comes after a rest too, so that
    /// all of them begin alike.
    func rests(before repeatIndex: Int) -> Bool {
        runner.suite.coolDownMost != nil || (repeatIndex > 1 && runner.suite.coolDownSeconds > 0)
    }

    /// Rests before a repeat, as the suite asks for.
    ///
    /// - Returns: `nil` where no rest is asked for.
    mutating func rest(before repeatIndex: Int) async throws -> CoolDown? {
        guard rests(before: repeatIndex) else { return nil }
        let suite = runner.suite
        let begin = runner.context.clock.now()
        if suite.coolDownSeconds > 0 { try await runner.context.sleep(suite.coolDownSeconds) }
        guard let most = suite.coolDownMost else {
            return CoolDown(seconds: runner.context.clock.now().seconds(since: begin))
        }
        var now = await state()
        guard let reference else {
            reference = now
            return coolDown(since: begin, now, isReached: nil)
        }
        while Self.isBack(now, reference) == false, runner.context.clock.now().seconds(since: begin) < most {
            try await runner.context.sleep(Self.pollSeconds)
            now = await state()
        }
        return coolDown(since: begin, now, isReached: Self.isBack(now, reference))
    }

    private func state() async -> (temperature: Double?, power: Power?) {
        (await runner.machine().hottest, await runner.metering.latestPower())
    }

    /// - Returns: `nil` where neither temperature nor power is known.
    private static func isBack(
        _ now: (temperature: Double?, power: Power?), _ reference: (temperature: Double?, power: Power?)
    ) -> Bool? {
        var signs: [Bool] = []
        if let temperature = now.temperature, let before = reference.temperature {
            signs.append(temperature <= before + kelvins)
        }
        if let power = now.power, let before = reference.power {
            signs.append(power.watts <= before.watts * (1 + powerShare))
        }
        return signs.isEmpty ? nil : signs.allSatisfy(\.self)
    }

    private func coolDown(
        since begin: MonotonicTime, _ now: (temperature: Double?, power: Power?), isReached: Bool?
    ) -> CoolDown {
        CoolDown(
            seconds: runner.context.clock.now().seconds(since: begin), isReached: isReached,
            temperature: now.temperature, power: now.power)
    }
}
