import Core
import Glibc
import Host
import Testing

@testable import Accounting
@testable import Metering

/// A day of sampling on an injected clock: what a daemon must endure that nobody restarts.
@Suite struct SoakTests {
    /// What a process has of what may leak.
    private struct Resources {
        var bytes: Int
        var descriptors: Int
        var threads: Int

        static func now() -> Resources {
            func entries(_ path: String) -> Int {
                guard let directory = opendir(path) else { return -1 }
                defer { closedir(directory) }
                var count = 0
                while readdir(directory) != nil { count += 1 }
                return count
            }
            // Pages in memory: proc_pid_statm(5).
            let pages = (try? HostRoot().read("/proc/self/statm"))?.split(separator: " ").dropFirst().first.flatMap {
                Int($0)
            }
            return Resources(
                bytes: (pages ?? 0) * 4096, descriptors: entries("/proc/self/fd"), threads: entries("/proc/self/task"))
        }
    }

    /// NTP sets the wall clock back or forward by hours, in the middle of windows: energy and coverage are those of CLOCK_MONOTONIC, and
    /// the times of samples those of the clock as it is when they are asked for.
    @Test(arguments: [-5 * 3600, 5 * 3600, -10 * 365 * 86_400, 0.4] as [Double]) func theWallClockJumps(step: Double)
        throws
    {
        let clock = SimulatedClock()
        let counter = SimulatedCounter(
            waveform: Waveform(base: 70, square: 60, squarePeriod: 41), range: 30_000_000_000)
        let session = try MeteringSession(listings: [counter.listing(clock)], intervalSeconds: 1, clock: clock)
        let selection = try TotalSelection(meters: session.meters)
        var due = clock.now()
        func run(_ seconds: Double) throws {
            let end = clock.peek() + Int64(seconds * 1e9)
            while clock.peek() < end {
                clock.sleep(until: due)
                due = try #require(session.tick())
            }
        }
        try run(10)
        let window = session.openWindow()
        try run(30)
        clock.setWallClock(by: step)
        try run(30)
        let energy = try #require(session.closeWindow(window, selection: selection))
        #expect(abs(energy.window.durationSeconds - 60) < 2)
        #expect(energy.total.coverage > 0.999 && !energy.total.flags.contains(.suspended))
        let truth = counter.waveform.energy(energy.window)
        #expect(abs(energy.total.energy.joules - truth) < 1e-4 * truth)
        let samples = session.takeSamples()
        #expect(samples.count >= 60)
        let (wall, now) = (clock.wallTime(), clock.now())
        for sample in samples {
            #expect(abs(wall - now.seconds(since: sample.time) - sample.wallTime) < 0.001)
        }
    }

    /// RAPL's counter wraps 260 times in it, reads fail, the machine sleeps, windows come and go: every joule is found, and nothing
    /// grows.
    @Test func aDay() throws {
        let clock = SimulatedClock()
        let hour = 3600.0
        let counter = SimulatedCounter(
            waveform: Waveform(base: 70, square: 60, squarePeriod: 41), range: 30_000_000_000,
            faults: Faults(failures: (1...23).map { Double($0) * hour + 2000...Double($0) * hour + 2005 }))
        let gauge = SimulatedGauge(waveform: Waveform(base: 200, square: 60, squarePeriod: 41), period: 1)
        let shared = SharedReadings(clock: clock).sharing([counter.listing(clock), gauge.listing(clock)])
        let session = try MeteringSession(listings: shared, intervalSeconds: 1, clock: clock)
        let selection = try TotalSelection(meters: session.meters)
        var due = clock.now()
        func run(_ seconds: Double) throws {
            let end = clock.peek() + Int64(seconds * 1e9)
            while clock.peek() < end {
                clock.sleep(until: due)
                due = try #require(session.tick())
            }
        }
        try run(10)
        var (samples, early) = (0, Resources.now())
        for hourOfDay in 0..<24 {
            for part in 0..<6 {
                let window = session.openWindow()
                // A second session comes and goes, as clients' do.
                let guest = try MeteringSession(listings: shared, intervalSeconds: 1, clock: clock)
                try run(590)
                let energy = try #require(session.closeWindow(window, selection: selection))
                let truth = counter.waveform.energy(energy.window)
                let found = try #require(energy.domains.first { $0.kind == .counter })
                #expect(abs(found.energy.joules - truth) < 1e-4 * truth, "hour \(hourOfDay), part \(part)")
                withExtendedLifetime(guest) {}
                try run(10)
                samples += session.takeSamples().count
            }
            // Between two windows, so that none is void for it.
            if hourOfDay % 5 == 4 { clock.suspend(seconds: 900) }
            if hourOfDay == 3 { early = Resources.now() }
        }
        let late = Resources.now()
        #expect(samples > 2 * 86_000)
        #expect(
            early.bytes > 0 && late.bytes - early.bytes < 2 << 20,
            "\(late.bytes - early.bytes) bytes more after 20 hours")
        // Of the 120 windows and guests between them each would leave one; the threads of the runner's pool come and go by some few.
        #expect(late.descriptors - early.descriptors < 20 && late.threads - early.threads < 20)
    }
}
