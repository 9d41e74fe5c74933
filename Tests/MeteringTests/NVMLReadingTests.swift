import Accounting
import Core
import Glibc
import Host
import TestSupport
import Testing

@testable import Metering

@Suite(.serialized) struct NVMLReadingTests {
    private let gpu = pciFunction("0000:10:00.0", vendor: "0x10de", class: "0x030200")

    @Test func millijoulesBecomeMicrojoules() throws {
        let fake = try FakeLibrary("nvml", "gpu0.watts=200\ngpu0.period_s=0.02\n")
        let reader = try #require(discoverNVML(fake, gpu).first).open()
        let before = Double(fake.clock.peek()) / 1e9
        guard case .counter(let microjoules) = reader.read() else {
            Issue.record("the counter was not read")
            return
        }
        // The fake counts from time 0, every 20 ms.
        let joules = Double(microjoules) / 1e6
        #expect(joules > 200 * (before - 0.02) - 1)
        #expect(joules < 200 * Double(fake.clock.peek()) / 1e9 + 1)
    }

    @Test func aLostGPUFailsIsLeftAloneForASecondAndComesBack() throws {
        let fake = try FakeLibrary("nvml", "gpu0.period_s=0.02\n")
        let clock = fake.clock
        let reader = try #require(discoverNVML(fake, gpu).first).open()
        guard case .counter(let before) = reader.read() else {
            Issue.record("the first read failed")
            return
        }
        try fake.play("gpu0.energy=15\ngpu0.handle=15\n")
        clock.sleep(until: clock.now().advanced(bySeconds: 0.1))
        #expect(reader.read() == .gone(errno: ENODEV))
        // Not even its handle is looked up, and there is nothing new to tell.
        let calls = fake.calls
        for _ in 0..<5 {
            clock.sleep(until: clock.now().advanced(bySeconds: 0.15))
            #expect(reader.read() == .nothingNew)
        }
        #expect(fake.calls == calls)
        try fake.play("gpu0.energy=10\n")
        clock.sleep(until: clock.now().advanced(bySeconds: 0.5))
        #expect(reader.read() == .failed(errno: ETIMEDOUT))
        // It has another handle now.
        try fake.play("gpu0.period_s=0.02\ngeneration=1\n")
        clock.sleep(until: clock.now().advanced(bySeconds: 1.1))
        guard case .counter(let after) = reader.read() else {
            Issue.record("the GPU came back and its meter did not")
            return
        }
        #expect(after >= before)
    }

    @Test func aDriverThatIsLoadedAnewIsFoundAgain() throws {
        let fake = try FakeLibrary("nvml", "gpu0.period_s=0.02\n")
        let clock = fake.clock
        let nvml = NVML(library: fake.path)
        let host = HostRoot(root: "/nowhere")
        let reader = try #require(NVMLMeter.discover(host, nvml: nvml, clock: clock).first).open()
        try fake.play("gpu0.period_s=0.02\nepoch=1\ngeneration=1\n")
        // The old handle, then the library that knows none, then all of it again.
        #expect(reader.read() == .gone(errno: ENODEV))
        clock.sleep(until: clock.now().advanced(bySeconds: 1.1))
        #expect(reader.read() == .failed(errno: EAGAIN))
        clock.sleep(until: clock.now().advanced(bySeconds: 1.1))
        guard case .counter = reader.read() else {
            Issue.record("the driver came back and the meter did not")
            return
        }
        try fake.play("gpu0.period_s=0.02\nepoch=2\n")
        #expect(NVMLMeter.discover(host, nvml: nvml, clock: clock).isEmpty)
        #expect(NVMLMeter.discover(host, nvml: nvml, clock: clock).map(\.availability) == [.available])
    }

    @Test func theLibraryIsAskedOnceAPeriodAtMostAndLatenessSkipsNone() throws {
        let clock = SimulatedClock(latenessNanoseconds: 4_000_000)
        var asked: [Double] = []
        let reader = PacedReader(periodSeconds: 0.1, clock: clock) {
            asked.append(Double(clock.peek()) / 1e9)
            return .counter(microjoules: Int64(asked.count))
        }
        // On a grid of the period, as the sampler reads: nothing is left out.
        let begin = clock.now()
        for tick in 0..<100 {
            clock.sleep(until: begin.advanced(bySeconds: Double(tick) * 0.1))
            #expect(reader.read() == .counter(microjoules: Int64(tick + 1)))
            #expect(reader.read() == .nothingNew)
        }
        // Ten times as often: as many as periods.
        asked = []
        let from = clock.now()
        for tick in 0..<1000 {
            clock.sleep(until: from.advanced(bySeconds: Double(tick) * 0.01))
            _ = reader.read()
        }
        #expect((99...101).contains(asked.count))
    }

    @Test func theSessionDoesNotAskFasterThanTheCounterMoves() throws {
        let fake = try FakeLibrary("nvml", "gpu0.watts=200\ngpu0.period_s=0.05\n")
        let listings = try discoverNVML(fake, gpu)
        let period = try #require(listings.first).description.periodSeconds
        let before = fake.calls
        let begin = fake.clock.now()
        let energy = try measure(listings, clock: fake.clock, seconds: 1.5, interval: 0.005, before: 0.5)
        let seconds = fake.clock.now().seconds(since: begin)
        #expect(fake.calls - before <= Int(seconds / period) + 2)
        #expect(fake.calls - before >= Int(1.5 / period) / 2)
        #expect(energy.total.coverage == 1)
        #expect(!energy.total.flags.contains(.gap))
    }

    @Test func theUpdatePeriodsOfAllGPUsAreFoundAtOnce() throws {
        let fake = try FakeLibrary(
            "nvml", "count=4\ngpu0.period_s=0.02\ngpu1.period_s=0.05\ngpu2.period_s=0.1\ngpu3.period_s=30\n")
        let nvml = NVML(library: fake.path)
        let host = HostRoot(root: "/nowhere")
        let begin = fake.clock.now()
        let meters = NVMLMeter.discover(host, nvml: nvml, clock: fake.clock).map(\.description)
        #expect(fake.clock.now().seconds(since: begin) < 0.7)
        try #require(meters.count == 4)
        for (meter, truth) in zip(meters, [0.02, 0.05, 0.1]) {
            #expect(abs(meter.periodSeconds - truth) <= 0.2 * truth)
            #expect(!meter.remarks.contains { $0.contains("not seen") })
        }
        #expect(meters[3].periodSeconds == 0.1)
        #expect(meters[3].remarks.contains { $0.contains("not seen") })
        // What was seen is known from then on: the counters are asked once each, to see whether they are there.
        let calls = fake.calls
        #expect(NVMLMeter.discover(host, nvml: nvml, clock: fake.clock).map(\.description) == meters)
        #expect(fake.calls == calls + 4)
    }

    @Test func aWindowHoldsTheEnergyThatTheGPUDrew() throws {
        let fake = try FakeLibrary(
            "nvml", "gpu0.watts=300\ngpu0.swing=400\ngpu0.swing_s=0.7\ngpu0.period_s=0.05\n")
        let listings = try discoverNVML(fake, gpu)
        let energy = try measure(listings, clock: fake.clock, seconds: 2.5)
        let truth = Waveform(base: 300, square: 400, squarePeriod: 0.7)
        let expected = truth.energy(energy.window)
        #expect(expected > 1000)
        // Each edge is known to within half an update, and the reads to within half of one.
        #expect(abs(energy.total.energy.joules - expected) <= 1.5 * truth.most * 0.05)
        #expect(energy.total.coverage == 1)
        #expect(energy.total.scope == .components)
    }
}
