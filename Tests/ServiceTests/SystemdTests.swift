import Core
import Dispatch
import Foundation
import Glibc
import Host
import Logging
import Metering
import Recording
import Synchronization
import TestSupport
import Testing

@testable import Accounting
@testable import Service

@Suite("systemd")
struct SystemdTests {
    @Test(
        "It is told of readiness, life and stop, on a socket by path or in the abstract namespace",
        arguments: [false, true])
    func messages(isAbstract: Bool) throws {
        let directory = try TemporaryDirectory()
        let path = isAbstract ? "@taskwatt-test-\(UUID().uuidString)" : "\(directory.path)/notify"
        let socket = try DatagramSocket(path: path)
        let notifier = SystemdNotifier(environment: ["NOTIFY_SOCKET": path])
        notifier.ready()
        #expect(socket.receive()?.split(separator: "\n").contains("READY=1") == true)
        notifier.alive()
        #expect(socket.receive() == "WATCHDOG=1")
        notifier.stopping()
        #expect(socket.receive() == "STOPPING=1")
        #expect(socket.receive(milliseconds: 10) == nil)
    }

    @Test("Without a socket, or with one that is gone, nothing happens")
    func noSocket() {
        for environment in [[:], ["NOTIFY_SOCKET": ""], ["NOTIFY_SOCKET": "/none"], ["NOTIFY_SOCKET": "vsock:2:1"]] {
            SystemdNotifier(environment: environment).ready()
        }
        SystemdNotifier(environment: ["NOTIFY_SOCKET": "/" + String(repeating: "a", count: 200)]).ready()
    }

    @Test("The watchdog is fed twice as often as it asks, and only if it is ours")
    func watchdog() {
        func interval(_ environment: [String: String]) -> Duration? {
            SystemdNotifier(environment: environment).watchdogInterval
        }
        #expect(interval(["WATCHDOG_USEC": "30000000"]) == .seconds(15))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid())"]) == .seconds(15))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "soon"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "0"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "-5"]) == nil)
        #expect(interval([:]) == nil)
    }

    @Test("What hangs stops the watchdog, each part after its patience, and what goes on again feeds it again")
    func hangs() throws {
        let directory = try TemporaryDirectory()
        let socket = try DatagramSocket(path: "\(directory.path)/notify")
        let sampler = Heartbeat(at: MonotonicTime(seconds: 1000))
        let queue = Heartbeat(at: MonotonicTime(seconds: 1000))
        func check(_ name: String, _ heart: Heartbeat, _ patience: Double) -> Watchdog.Check {
            Watchdog.Check(name: name, lateness: { heart.age(at: $0) }, patience: patience)
        }
        let watchdog = Watchdog(
            SystemdNotifier(environment: ["NOTIFY_SOCKET": "\(directory.path)/notify", "WATCHDOG_USEC": "30000000"]),
            checks: [check("sampler", sampler, 10), check("queue", queue, 60)], logger: quietLogger)
        func isFed(at seconds: Double) -> Bool {
            watchdog.look(at: MonotonicTime(seconds: seconds))
            return socket.receive(milliseconds: 0) == "WATCHDOG=1"
        }
        #expect(isFed(at: 1010))
        #expect(!isFed(at: 1010.1))
        #expect(!isFed(at: 1020))
        sampler.beat(at: MonotonicTime(seconds: 1021))
        #expect(isFed(at: 1021))
        sampler.beat(at: MonotonicTime(seconds: 1060))
        #expect(isFed(at: 1060))
        #expect(!isFed(at: 1061))
        queue.beat(at: MonotonicTime(seconds: 1061))
        #expect(isFed(at: 1061))
    }

    @Test("A sampler that hangs in a driver is late, and one that has stopped is not")
    func hangingSampler() async throws {
        final class Stuck: MeterReader, Sendable {
            private let reads = Mutex(0)
            let released = DispatchSemaphore(value: 0)
            func read() -> Reading {
                let number = reads.withLock { reads in
                    reads += 1
                    return reads
                }
                // The first reading is made as the session begins, the second one by its thread.
                if number == 2 { released.wait() }
                return .counter(microjoules: Int64(number))
            }
        }
        let stuck = Stuck()
        var listing = FakeMeters.meter
        listing.open = { stuck }
        let session = try MeteringSession(listings: [listing], intervalSeconds: 0.02)
        session.start()
        let isLate = try await eventually { session.lateness(at: SystemClock().now()) > 0.2 }
        #expect(isLate, "and it is told without the sampler's lock")
        stuck.released.signal()
        let goesOn = try await eventually { session.lateness(at: SystemClock().now()) < 0.2 }
        #expect(goesOn)
    }

    @Test("Threads that clients keep busy, all of them, do not keep the watchdog hungry")
    func busyPool() async throws {
        let directory = try TemporaryDirectory()
        let socket = try DatagramSocket(path: "\(directory.path)/notify")
        let watchdog = Watchdog(
            SystemdNotifier(environment: ["NOTIFY_SOCKET": "\(directory.path)/notify", "WATCHDOG_USEC": "20000"]),
            checks: [], logger: quietLogger)
        watchdog.start()
        defer { watchdog.stop() }
        // Swift's own threads, one a processor, wait for what this one gets to see.
        let gate = DispatchSemaphore(value: 0)
        let count = ProcessInfo.processInfo.activeProcessorCount
        for _ in 0..<count { Task { gate.waits() } }
        while socket.receive(milliseconds: 0) != nil {}
        let signs = (0..<5).count { _ in socket.receive(milliseconds: 60_000) == "WATCHDOG=1" }
        for _ in 0..<count { gate.signal() }
        #expect(signs == 5)
    }

    @Test("A meter that comes while the daemon runs is sampled, and one that goes is let go")
    func metersComeAndGo() async throws {
        let directory = try TemporaryDirectory()
        let store = try Store(directory: directory.path)
        var second = FakeMeters.meter
        second.description.id = "fake/package-1"
        second.description.silicon = "package-1"
        let present = Mutex([FakeMeters.meter])
        let meters = try CurrentMeters(
            present.withLock { $0 }, intervalSeconds: 0.05, logger: Logger(label: "test"))
        let first = meters.session
        let sampler = AlwaysOnSampler(
            refreshInterval: .milliseconds(100), meters: meters, listings: { present.withLock { $0 } },
            evidence: MeterEvidenceFile(directory: directory.path), store: store, retention: { RetentionPolicy() },
            notifier: SystemdNotifier(environment: ["WATCHDOG_USEC": "100000"]), logger: Logger(label: "test"))
        let running = Task { try await sampler.run() }
        #expect(try await eventually { meters.power.power != nil })
        #expect(meters.session === first, "the same meters go on")
        present.withLock { $0.append(second) }
        #expect(try await eventually { meters.session.meters.count == 2 })
        #expect(first.tick() == nil, "the session before has ended")
        #expect(try await eventually { (meters.power.power?.watts ?? 0) > 19 })
        present.withLock { _ = $0.removeFirst() }
        #expect(try await eventually { meters.session.meters.map(\.id) == ["fake/package-1"] })
        // Where nothing is left, the last ones go on and say in every sample that they cannot be read.
        present.withLock { $0 = [] }
        try await Task.sleep(for: .milliseconds(300))
        #expect(meters.session.meters.map(\.id) == ["fake/package-1"])
        running.cancel()
        try await running.value
        #expect(Set(try store.samples().map(\.sample.meterID)) == ["fake/package-0", "fake/package-1"])
    }

    @Test("While the sampler lives the watchdog is fed, and at its end the samples are kept")
    func sampler() async throws {
        let directory = try TemporaryDirectory()
        let socket = try DatagramSocket(path: "\(directory.path)/notify")
        let store = try Store(directory: directory.path)
        let meters = try CurrentMeters([FakeMeters.meter], intervalSeconds: 0.05, logger: Logger(label: "test"))
        let session = meters.session
        let sampler = AlwaysOnSampler(
            meters: meters, listings: { [FakeMeters.meter] },
            evidence: MeterEvidenceFile(directory: directory.path), store: store, retention: { RetentionPolicy() },
            notifier: SystemdNotifier(environment: [
                "NOTIFY_SOCKET": "\(directory.path)/notify", "WATCHDOG_USEC": "100000",
            ]), logger: Logger(label: "test"))
        let running = Task { try await sampler.run() }
        var signs = 0
        let isFed = try await eventually {
            while let message = socket.receive(milliseconds: 0) {
                #expect(message == "WATCHDOG=1")
                signs += 1
            }
            return signs >= 5
        }
        #expect(isFed)
        running.cancel()
        try await running.value
        let samples = try store.samples()
        #expect(samples.count >= 3)
        #expect(samples.allSatisfy { $0.run == nil && $0.sample.meterID == "fake/package-0" })
        #expect(session.tick() == nil, "the sampler has stopped")
        withExtendedLifetime(directory) {}
    }
}

private var quietLogger: Logger {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    logger.handler = SwiftLogNoOpLogHandler()
    return logger
}

extension DispatchSemaphore {
    /// As `wait`, which is not for tasks: here it is what is tried.
    fileprivate func waits() { wait() }
}
