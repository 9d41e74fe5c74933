import Core
import Foundation
import GRDB
import Recording
import TestSupport
import Testing

@Suite("Retention")
struct RetentionTests {
    private let directory: TemporaryDirectory
    private let store: Store
    /// A whole hour.
    private static let begin = 1_764_000_000.0

    init() throws {
        directory = try TemporaryDirectory()
        store = try Store(directory: directory.path)
    }

    /// A counter and a gauge, once a second, 0.3 s off the second.
    private func samples(
        seconds: Range<Int>, watts: (Int) -> Double = { _ in 20 }
    ) -> [Sample] {
        var energy = 0.0
        return seconds.flatMap { second -> [Sample] in
            let isFirst = second == seconds.lowerBound
            if !isFirst { energy += watts(second) }
            let (time, wall) = (MonotonicTime(seconds: Double(second) + 1000), Self.begin + Double(second) + 0.3)
            return [
                Sample(
                    meterID: "counter", time: time, wallTime: wall, energy: Energy(joules: energy),
                    power: isFirst ? nil : Power(watts: watts(second))),
                Sample(
                    meterID: "gauge", time: time, wallTime: wall, energy: nil, power: Power(watts: 2 * watts(second))),
            ]
        }
    }

    private func condense(_ retention: RetentionPolicy, at seconds: Double) throws -> Int {
        var steps = 0
        while try store.condense(retention, now: Self.begin + seconds) {
            steps += 1
            try #require(steps < 10_000)
        }
        return steps
    }

    private func joules(_ stretches: [PowerBucket], _ meter: String) -> Double {
        stretches.filter { $0.meter == meter }.reduce(0) { $0 + $1.energy.joules }
    }

    private static var short: RetentionPolicy {
        var retention = RetentionPolicy()
        retention.samples = 3600
        retention.minutes = 7200
        return retention
    }

    @Test("Samples become minutes and minutes hours, and not a joule is lost or twice there")
    func condenses() throws {
        // Two hours under a load that changes by the second, and an hour of which no sample is old enough.
        let watts = { (second: Int) in 10 + Double(second % 7) }
        let all = samples(seconds: 0..<3 * 3600, watts: watts)
        try store.record(all)
        let expected = (1..<3 * 3600).reduce(0.0) { $0 + watts($1) }
        let before = try store.power(from: Self.begin, to: Self.begin + 4 * 3600, seconds: 600)
        #expect(isClose(joules(before, "counter"), expected))

        #expect(try condense(Self.short, at: 3 * 3600) == 18 + 12, "made and deleted ten minutes at a time")
        let left = try store.samples(after: 0, limit: 100_000).map(\.sample.wallTime)
        #expect((left.min() ?? 0) >= Self.begin + 2 * 3600)
        let after = try store.power(from: Self.begin, to: Self.begin + 4 * 3600, seconds: 600)
        for meter in ["counter", "gauge"] {
            #expect(isClose(joules(after, meter), joules(before, meter), relative: 1e-7), "\(meter)")
        }
        #expect(after.count == before.count)
        #expect(after.first?.seenSeconds == before.first?.seenSeconds)
        // Each stretch by itself too.
        for (a, b) in zip(after, before) { #expect(isClose(a.energy.joules, b.energy.joules, relative: 1e-5)) }
        #expect(after.allSatisfy { $0.minimum.watts >= 10 && $0.maximum.watts <= 32 })
        // And finely where the samples are there, with minutes before them.
        let fine = try store.power(from: Self.begin, to: Self.begin + 4 * 3600, seconds: 10)
        #expect(isClose(joules(fine, "counter"), joules(before, "counter"), relative: 1e-7))
        #expect(Set(fine.map(\.seconds)) == [10, 60])
        #expect(try condense(Self.short, at: 3 * 3600) == 0, "nothing is made coarser twice")

        // Five hours later all samples are minutes, and the first hours are hours.
        #expect(try condense(Self.short, at: 5 * 3600) > 0)
        let hours = try store.power(from: Self.begin, to: Self.begin + 4 * 3600, seconds: 3600)
        #expect(isClose(joules(hours, "counter"), expected, relative: 1e-7))
        #expect(hours.filter { $0.meter == "gauge" }.count == 3)
        #expect(hours.first { $0.meter == "gauge" }.map { isClose($0.mean?.watts, 25.997, relative: 1e-3) } == true)
    }

    /// A clock that was years ahead, or hours, until the network set it right; and one that was set forward and stays there.
    @Test(
        "The clock may jump: not a joule is lost or twice there",
        arguments: [10 * 365 * 86_400, 5 * 3600, 3600, 600] as [Double])
    func clockJumps(ahead: Double) throws {
        func shifted(_ seconds: Range<Int>, by shift: Double) -> [Sample] {
            samples(seconds: seconds).map { sample in
                var sample = sample
                sample.wallTime += shift
                return sample
            }
        }
        /// Of all that is kept, at whatever times, and of the samples that are in nothing yet.
        func all() throws -> Double {
            let database = try DatabaseQueue(path: directory.database)
            let (until, kept) = try database.read { db in
                (
                    try Double.fetchOne(db, sql: "SELECT until FROM condensed") ?? 0,
                    try Double.fetchOne(db, sql: "SELECT total(energy_uj) / 1e6 FROM stretch WHERE meter = 'counter'")
                        ?? 0
                )
            }
            let end = Self.begin + 20 * 365 * 86_400
            return kept + joules(try store.power(from: until, to: end, seconds: 60), "counter")
        }
        // Of each part all but the first sample has energy.
        var expected = 0.0
        func expectAll() throws {
            let sum = try all()
            // Of the second in which the minutes end the part before is in nothing yet.
            #expect(abs(sum - expected) < 20, "\(sum) of \(expected)")
        }
        func come(_ seconds: Range<Int>, by shift: Double, condensedAt end: Double) throws {
            try store.record(shifted(seconds, by: shift))
            expected += Double(seconds.count - 1) * 20
            _ = try condense(Self.short, at: end + shift)
        }
        try come(0..<7200, by: ahead, condensedAt: 7200)
        // Set right, and noticed at once; then hours pass, in which the old times come again.
        try come(7200..<7260, by: 0, condensedAt: 7260)
        try expectAll()
        for hour in 2..<10 {
            try come(hour * 3600 + 60..<(hour + 1) * 3600 + 60, by: 0, condensedAt: Double(hour + 1) * 3600 + 60)
        }
        try expectAll()
        // What has come since is shown by where it belongs, though other times were ahead of it.
        let latest = try store.power(from: Self.begin + 35_000, to: Self.begin + 36_000, seconds: 60)
        #expect(latest.contains { $0.meter == "counter" })
        // And forward again.
        try come(40_000..<43_600, by: ahead, condensedAt: 43_600)
        try expectAll()
        #expect(try condense(Self.short, at: 43_600 + ahead) == 0)
    }

    @Test("What was not seen is not made up: a gap, a restart, another boot")
    func gaps() throws {
        try store.record(samples(seconds: 0..<100))
        // Ten minutes of nothing; then the daemon begins anew, its counter at 0, and after a boot the clock too.
        try store.record(samples(seconds: 700..<800))
        let booted = samples(seconds: 800..<900).map { sample in
            var sample = sample
            sample.time = MonotonicTime(seconds: sample.time.seconds - 1700)
            return sample
        }
        try store.record(booted)
        _ = try condense(Self.short, at: 2 * 3600)
        let minutes = try store.power(from: Self.begin, to: Self.begin + 3600, seconds: 60)
        #expect(isClose(joules(minutes, "counter"), 3 * 99 * 20.0, relative: 1e-9))
        #expect(isClose(minutes.filter { $0.meter == "counter" }.reduce(0) { $0 + $1.seenSeconds }, 3 * 99))
        #expect(!minutes.contains { (120..<660).contains($0.start - Int64(Self.begin)) })
    }

    @Test("Samples of runs stay, however old")
    func runsStay() throws {
        let uuid = try store.beginSuiteRun(Fixture.start())
        try store.record(Fixture.run(), samples: Fixture.samples(30, wallTime: Self.begin), suiteRun: uuid)
        try store.record(samples(seconds: 0..<60))
        _ = try condense(Self.short, at: 1e6)
        let left = try store.samples()
        #expect(left.count { $0.run != nil } == 30)
        #expect(left.count { $0.run == nil } == 0)
    }

    @Test("Old hours go where a time is set for them")
    func hours() throws {
        try store.record(samples(seconds: 0..<120))
        var retention = Self.short
        retention.hours = 86_400
        _ = try condense(retention, at: 86_400)
        #expect(try !store.power(from: Self.begin, to: Self.begin + 3600, seconds: 3600).isEmpty)
        _ = try condense(retention, at: 3 * 86_400)
        #expect(try store.power(from: Self.begin, to: Self.begin + 3600, seconds: 3600).isEmpty)
    }

    @Test("The file gets smaller by itself")
    func shrinks() throws {
        for part in 0..<40 { try store.record(samples(seconds: part * 1000..<(part + 1) * 1000)) }
        let pages = { try pragma("page_count") - pragma("freelist_count") }
        let (before, used) = (try pragma("page_count"), try pages())
        _ = try condense(Self.short, at: 48 * 3600)
        #expect(try pages() < used / 4)
        #expect(try pragma("page_count") < before / 2, "not only free pages within it")
    }

    private func pragma(_ name: String) throws -> Int {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: store.path, configuration: configuration).read { db in
            try Int.fetchOne(db, sql: "PRAGMA \(name)") ?? 0
        }
    }

    @Test("A backup is whole while others write, and is a record itself")
    func backup() throws {
        let uuid = try store.beginSuiteRun(Fixture.start())
        try store.record(Fixture.run(), samples: Fixture.samples(30), suiteRun: uuid)
        let copy = try TemporaryDirectory()
        let writing = Thread { [store] in
            for part in 0..<50 { try? store.record(Fixture.samples(100, from: part * 100)) }
        }
        writing.start()
        try store.backup(to: copy.database)
        let other = try Store(directory: copy.path)
        #expect(try other.runs() == store.runs())
        #expect(try other.samples(ofRun: 1).count == 30)
        let error = #expect(throws: StoreError.self) { try store.backup(to: "\(copy.path)/none/b") }
        #expect(error?.description.contains("none/b") == true)
        while !writing.isFinished { usleep(1000) }
    }
}
