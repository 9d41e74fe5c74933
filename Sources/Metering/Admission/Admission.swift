import Accounting
import Core
package import Host

/// The test at the door: a candidate becomes a meter only after a look at whether it can measure. The one place for this, whatever kind
/// of meter it is.
///
/// *Refused* is what tells something impossible, and a counter that stands still while its silicon works. *Dead* is one whose value
/// stood for ten minutes and twenty readings while the load moved. *Unproven*, until its value has changed, is used and said to be so.
/// What was learnt is kept (`MeterEvidenceFile`), so that only the first look takes time; what contradicts it is believed at once.
package struct Admission: Sendable {
    /// How long counters that do not move are watched, all together, in seconds.
    static let patience = 1.5
    /// A counter with a longer period is not waited for: it is unproven until it moves.
    static let longestPeriod = 0.3
    private static let pollSeconds = 0.005

    private let host: HostRoot
    private let clock: any MeteringClock

    package init(_ host: HostRoot, clock: any MeteringClock = SystemClock()) {
        self.host = host
        self.clock = clock
    }

    /// - Parameter known: by the meters' ids.
    /// - Returns: the listings, with those that do not measure unavailable; and what is known of each that was looked at now.
    package func examine(
        _ listings: [MeterListing], known: [String: MeterEvidence]
    ) -> (listings: [MeterListing], found: [String: MeterEvidence]) {
        let suspend = RuntimeSuspend(host: host)
        var listings = suspend.watched(listings)
        var looks: [CandidateLook] = []
        for index in listings.indices where listings[index].availability.isAvailable {
            let meter = listings[index].description
            guard meter.provenance != .estimated else { continue }
            let reader = listings[index].found == nil ? listings[index].open() : nil
            let time = clock.now()
            let reading = listings[index].found ?? reader?.read()
            // What a file holds that is no number is none the next time either. An accelerator's file may be empty while it sleeps.
            if case .failed(errno: 0)? = reading, meter.scope != .accelerator {
                listings[index].availability = .unavailable(
                    reason: "\(meter.source) has no number", remedy: "check that its driver supports this hardware")
                continue
            }
            if let reading, case .gone = reading {
                let condition = MeterCondition(reading)
                listings[index].availability = .unavailable(
                    reason: condition.reason ?? "its device is gone", remedy: condition.remedy)
                continue
            }
            guard let value = reading?.value else {
                // What cannot be read just now may be asleep, and joins when it wakes.
                listings[index].isProven = !meter.isWatched || known[meter.id]?.hasChanged ?? false
                continue
            }
            if let (reason, remedy) = Self.impossible(value, meter) {
                listings[index].availability = .unavailable(reason: reason, remedy: remedy)
            } else if meter.isWatched {
                looks.append(CandidateLook(index: index, reader: reader, value: value, time: time))
            }
        }
        watch(&looks, listings, known)
        var found: [String: MeterEvidence] = [:]
        let wallTime = clock.wallTime()
        for look in looks {
            let meter = listings[look.index].description
            if let power = look.impossiblePower {
                // As of a gauge, nothing is kept against it.
                let (reason, remedy) = Self.tooMuch("its energy grows by", power.watts.rounded(), meter)
                listings[look.index].availability = .unavailable(reason: reason, remedy: remedy)
                continue
            }
            var evidence = MeterEvidence(
                source: meter.source, hasChanged: look.hasMoved, value: look.hasMoved ? nil : look.value,
                since: wallTime,
                readings: 1, othersMoved: false, isStill: isStill(look, meter), lastSeen: wallTime)
            if let before = known[meter.id] { evidence = before.adding(evidence) }
            found[meter.id] = evidence
            listings[look.index].isProven = evidence.hasChanged
            if let (reason, remedy) = verdict(evidence, meter, at: wallTime) {
                listings[look.index].availability = .unavailable(reason: reason, remedy: remedy)
            }
        }
        return (Self.leavingOut(suspend.standingIn(listings)), found)
    }

    /// An accelerator that cannot be read makes the total incomplete: its remarks say how to measure without it.
    private static func leavingOut(_ listings: [MeterListing]) -> [MeterListing] {
        let available = listings.filter { $0.availability.isAvailable && $0.description.provenance != .estimated }
        let seen = Set(available.map(\.description.silicon))
        guard available.contains(where: { $0.description.scope == .package }) else { return listings }
        return listings.map { listing in
            guard !listing.availability.isAvailable, !listing.isIgnored,
                listing.description.scope == .accelerator, !seen.contains(listing.description.silicon)
            else { return listing }
            var told = listing
            told.description.remarks.append(
                "the total is incomplete without it; to measure without it, say in taskwatt.yaml: overrides: "
                    + "{\"\(listing.description.id)\": {ignore: true}}")
            return told
        }
    }

    /// Watches the counters of which nothing is known yet until each has moved, or the patience is over.
    private func watch(_ looks: inout [CandidateLook], _ listings: [MeterListing], _ known: [String: MeterEvidence]) {
        let deadline = clock.now().advanced(bySeconds: Self.patience)
        var waiting = looks.indices.filter { index in
            let (look, meter) = (looks[index], listings[looks[index].index].description)
            guard look.canBeWatched(meter) else { return false }
            // What stood still the last time, and still has that value, has been watched long enough. One that works moves at once.
            let before = known[meter.id]
            return before?.source != meter.source || before?.isStill != true || before?.value != look.value
        }
        while !waiting.isEmpty, clock.now() < deadline {
            clock.sleep(until: clock.now().advanced(bySeconds: Self.pollSeconds))
            waiting.removeAll { index in
                looks[index].isDone(listings[looks[index].index].description, clock)
            }
        }
    }

    /// Whether a counter stands still though its silicon evidently works: this very look runs on it.
    private func isStill(_ look: CandidateLook, _ meter: MeterDescription) -> Bool {
        !look.hasMoved && look.canBeWatched(meter) && meter.mustMove
    }

    private static func impossible(_ value: Int64, _ meter: MeterDescription) -> (String, String?)? {
        switch meter.kind {
        case .counter:
            return value >= 0 ? nil : ("its energy is negative (\(value) µJ)", nil)
        case .gauge:
            guard !meter.plausibility.allows(value) else { return nil }
            let watts = Power(microwatts: value).watts
            let figure = figure(watts)
            if value == 0 {
                return ("it says 0 W, and the machine runs", "check that it is the right device, and that it measures")
            }
            if ErrorCode.wide.contains(value) {
                return (
                    "it says \(value) µW, which is an error code and no power",
                    "check that its driver supports this hardware"
                )
            }
            if value < 0 {
                return (
                    "it says \(figure) W, and power is not negative",
                    "check that it is wired correctly, and that its driver is correct"
                )
            }
            return tooMuch("it says", watts, meter)
        }
    }

    private static func tooMuch(_ how: String, _ watts: Double, _ meter: MeterDescription) -> (String, String?) {
        (
            "\(how) \(figure(watts)) W, and \(Int64(saturating: meter.plausiblePower.watts)) W are the most that can be",
            "if that is right, raise `plausible_power_w` of \(meter.id) under `overrides` of taskwatt.yaml"
        )
    }

    private static func figure(_ watts: Double) -> String {
        watts == watts.rounded() ? String(Int64(saturating: watts)) : String(watts)
    }

    private func verdict(_ evidence: MeterEvidence, _ meter: MeterDescription, at wallTime: Double) -> (
        String, String?
    )? {
        guard let value = evidence.value else { return nil }
        let shown = meter.kind == .counter ? "\(value) µJ" : "\(Power(microwatts: value).watts) W"
        if evidence.isStill {
            return (
                "it stands at \(shown) while the machine works: it does not measure",
                "check that the kernel's driver supports this processor; it is used as soon as it changes"
            )
        }
        let isAwake = RuntimeSuspend(host: host).status(of: meter) == "active"
        guard evidence.isDead(at: wallTime), isAwake || !meter.mayStand(at: value) else { return nil }
        let minutes = Int64(saturating: (wallTime - evidence.since) / 60)
        return (
            "it has said \(shown) for \(minutes) min while the machine's load moved: it is dead",
            "check that the device works; it is used again as soon as its value changes"
        )
    }
}
