package import Accounting
package import Core
import Host
package import Metering

/// GET /v1/meters, one each
package struct MeterStatus: Sendable, Hashable, Codable {
    package var meter: MeterDescription
    /// Whether it can be read; one that has no value now can be.
    package var isAvailable: Bool
    /// What came of reading it; `nil` where it was not read.
    package var reading: MeterCondition.Result?
    /// Whether its value has been seen to change, so that it is known to measure.
    package var isProven: Bool
    /// Why there is no value.
    package var reason: String?
    package var remedy: String?
    /// The reading of this moment: energy of a counter, power of either.
    package var energy: Energy?
    package var power: Power?

    /// Reads each meter that can be read, twice, a tenth of a second apart, so that counters have a power too; those that
    /// are polled in the background once, when they answer, but for no longer than `patience` seconds.
    package static func read(_ listings: [MeterListing], patience: Double = 4) async -> [MeterStatus] {
        await offPool { read(listings, patience: patience, clock: SystemClock()) }
    }

    private static func read(
        _ listings: [MeterListing], patience: Double, clock: any MeteringClock
    ) -> [MeterStatus] {
        let readers = listings.map { $0.availability.isAvailable ? $0.open() : nil }
        let deadline = clock.now().advanced(bySeconds: patience)
        var first = readers.map { $0.map { ($0.read(), clock.now()) } }
        repeat {
            clock.sleep(until: clock.now().advanced(bySeconds: 0.1))
            for (index, reader) in readers.enumerated() where first[index]?.0.isAnswer == false {
                first[index] = reader.map { ($0.read(), clock.now()) }
            }
        } while clock.now() < deadline && first.contains { $0?.0.isAnswer == false }
        return listings.indices.map { index in
            var status = MeterStatus(listings[index])
            if case .unavailable(let reason, let remedy) = listings[index].availability {
                status.isAvailable = false
                status.reason = reason
                status.remedy = remedy
            }
            guard let reader = readers[index] else { return status }
            var (second, time) = (reader.read(), clock.now())
            if !second.isAnswer, let only = first[index] { (second, time) = only }
            status.note(MeterCondition(second))
            switch second {
            case .gauge(let microwatts): status.power = Power(microwatts: microwatts)
            case .counter(let microjoules):
                status.energy = Energy(microjoules: microjoules)
                if case (.counter(let before), let earlier)? = first[index], microjoules >= before, time > earlier {
                    status.power = (Energy(microjoules: microjoules) - Energy(microjoules: before))
                        .over(time.seconds(since: earlier))
                }
            case .nothingNew, .noData(.notAnswered):
                status.isAvailable = false
                status.reason = "it has not answered within \(Int(saturating: patience)) s"
            case .noData: break
            case .failed, .gone: status.isAvailable = false
            }
            return status
        }
    }

    private mutating func note(_ condition: MeterCondition) {
        (reading, reason, remedy) = (condition.result, condition.reason, condition.remedy)
    }

    private init(_ listing: MeterListing) {
        meter = listing.description
        isAvailable = true
        isProven = listing.isProven
    }

    enum CodingKeys: String, CodingKey {
        case meter, reading, reason, remedy
        case isAvailable = "available"
        case isProven = "proven"
        case energy = "energy_j"
        case power = "power_w"
    }
}
