import Core
import Foundation
import Glibc
import Hummingbird
import Logging
import Metering
import Synchronization
import TestSupport
import Testing

@testable import API
@testable import Accounting
@testable import Service

/// What came of a meter's last reading, wherever the daemon tells of it.
@Suite("Conditions of meters")
struct MeterConditionTests {
    /// A meter of 10 W that says something else when it is told to.
    private final class Fault: Sendable {
        let reading = Mutex<Reading?>(nil)

        func say(_ reading: Reading?) { self.reading.withLock { $0 = reading } }

        var listing: MeterListing {
            var listing = FakeMeters.meter
            let open = listing.open
            listing.open = { [self] in
                let meter = open()
                return FaultyReader { self.reading.withLock { $0 } ?? meter.read() }
            }
            return listing
        }
    }

    private final class FaultyReader: MeterReader {
        private let body: () -> Reading
        init(_ body: @escaping () -> Reading) { self.body = body }
        func read() -> Reading { body() }
    }

    private func value(_ series: String, in text: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix("\(series) ") }.flatMap {
            Double($0.dropFirst(series.count + 1))
        }
    }

    @Test(
        "A meter without data can be read, one that fails or is gone cannot",
        arguments: [
            (Reading.gauge(microwatts: 5), MeterCondition.Result.value, true),
            (.counter(microjoules: 5), .value, true), (.noData(.asleep), .noData, true),
            (.noData(.onMains), .noData, true), (.noData(.noValue), .noData, true),
            // Waited for, and in vain.
            (.noData(.notAnswered), .noData, false), (.nothingNew, .noData, false),
            (.failed(errno: EIO), .failed, false), (.failed(errno: 0), .failed, false),
            (.gone(errno: ENODEV), .gone, false),
        ])
    func status(reading: Reading, result: MeterCondition.Result, isAvailable: Bool) async throws {
        let listing = MeterListing(description: FakeMeters.meter.description, availability: .available) {
            FaultyReader { reading }
        }
        let status = try #require(await MeterStatus.read([listing], patience: 0.01).first)
        #expect(status.reading == result && status.isAvailable == isAvailable)
        #expect((status.reason == nil) == (result == .value))
        let again = try JSONDecoder().decode(MeterStatus.self, from: try JSONEncoder().encode(status))
        #expect(again == status)
    }

    @Test("A meter that was not read has no result")
    func notRead() async throws {
        let status = try #require(await MeterStatus.read([FakeMeters.locked]).first)
        #expect(status.reading == nil && !status.isAvailable && status.reason == "permission denied")
    }

    @Test("A device that is gone is read again when it is found again, in the same session")
    func reopened() async throws {
        let fault = Fault()
        let meters = try CurrentMeters([fault.listing], intervalSeconds: 0.02, logger: Logger(label: "test"))
        let session = meters.session
        session.start()
        defer { session.stop() }
        #expect(meters.figures.first?.condition?.result == .value)
        fault.say(.gone(errno: ENODEV))
        #expect(try await eventually { meters.figures.first?.condition?.result == .gone })
        #expect(meters.figures.first?.power == nil)
        // It is looked for, and is not there.
        _ = meters.refresh([fault.listing])
        #expect(meters.figures.first?.condition?.result == .gone)
        fault.say(nil)
        _ = meters.refresh([fault.listing])
        #expect(meters.session === session)
        #expect(meters.figures.first?.condition?.result == .value)
        #expect(meters.figures.first?.tally.scrapes.failures(.gone) == 2)
        #expect(try await eventually { meters.figures.first?.power != nil })
        let live = LivePower(meters, at: 0)
        #expect(live.meters.map(\.reading) == [.value] && live.meters.map(\.reason) == [nil])
    }

    @Test("Each meter's readings, failures and time are in the metrics, and never go back")
    func metrics() async throws {
        let daemon = try TestDaemon()
        let fault = Fault()
        let meters = try CurrentMeters([fault.listing], intervalSeconds: 0.02, logger: Logger(label: "test"))
        let metrics = DaemonMetrics(
            meters: meters, queue: daemon.queue, figures: daemon.figures, version: "1.0", startedAt: 5)
        meters.session.start()
        let (meter, prefix) = (#"meter="fake/package-0""#, "taskwatt_meter_scrape")
        func number(_ name: String, _ label: String = "") async -> Double {
            value("\(prefix)\(name){\(meter)\(label)}", in: await metrics.text()) ?? -1
        }
        #expect(try await eventually { await number("s_total", #",result="value""#) > 3 })
        #expect(await number("s_total", #",result="failed""#) == 0)
        // Every reason has a series from the start, so that its first failure is an increase.
        for reason in FailureReason.allCases {
            #expect(await number("_failures_total", #",reason="\#(reason.rawValue)""#) == 0)
        }
        fault.say(.failed(errno: ETIMEDOUT))
        #expect(try await eventually { await number("_failures_total", #",reason="timeout""#) > 2 })
        fault.say(.noData(.asleep))
        #expect(try await eventually { await number("s_total", #",result="no-data""#) > 2 })
        #expect(await number("s_total", #",result="failed""#) >= 3)
        #expect(await number("_duration_seconds_sum") > 0)
        let count = await number("_duration_seconds_count")
        #expect(count >= 9)
        // Another set of meters is another session, and the same series.
        var second = FakeMeters.meter
        (second.description.id, second.description.silicon) = ("fake/package-1", "package-1")
        _ = meters.refresh([fault.listing, second])
        #expect(await number("_duration_seconds_count") >= count)
        // What has two scopes one after the other has one series of these.
        var moved = fault.listing
        moved.description.scope = .system
        moved.revision = 1
        _ = meters.refresh([moved, second])
        let text = await metrics.text()
        #expect(text.split(separator: "\n").count { $0.hasPrefix("\(prefix)_duration_seconds_count{\(meter)}") } == 1)
        let check = try Command(["promtool", "check", "metrics"], input: text)
        #expect(check.status == 0 && check.output.isEmpty, "\(check.output)")
        meters.session.stop()
    }

    private static let failed = MeterCondition(.failed(errno: EIO))
    private static let value = MeterCondition(.gauge(microwatts: 1))

    @Test("The log has a meter's failure once, when it lasts, and once that it is over")
    func log() {
        var log = ConditionLog()
        func look(_ condition: MeterCondition?, times: Int = 1) -> [String] {
            (0..<times).flatMap { _ in log.news([("m", condition), ("other", Self.value)]) }
        }
        #expect(look(nil).isEmpty && look(Self.value, times: 100).isEmpty)
        // Now and then.
        for _ in 0..<50 { #expect(look(Self.failed).isEmpty && look(Self.value).isEmpty) }
        #expect(look(Self.failed, times: ConditionLog.patience - 1).isEmpty)
        #expect(look(Self.failed, times: 1000).count == 1)
        #expect(look(Self.value, times: 1000).count == 1)
        // A device that sleeps is no news.
        #expect(look(MeterCondition(.noData(.asleep)), times: 1000).isEmpty)
        let gone = look(MeterCondition(.gone(errno: ENODEV)), times: 1000)
        #expect(gone.count == 1 && gone.first?.hasPrefix("m: ") == true)
        #expect(look(Self.value, times: 1000).count == 1)
        // One that is sampled no more begins anew.
        _ = look(Self.failed, times: 1000)
        #expect(log.news([]).isEmpty)
        #expect(look(Self.value, times: 1000).isEmpty)
    }

    @Test("A gone device is in the log at the first look")
    func goneAtOnce() {
        var log = ConditionLog()
        #expect(log.news([("m", MeterCondition(.gone(errno: ENODEV)))]).count == 1)
    }
}
