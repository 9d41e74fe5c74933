import Core
import Glibc
import Host
import TestSupport
import Testing

@testable import Accounting
@testable import Metering

@Suite(.serialized) struct AMDSMIMeterTests {
    private static let address = "0000:c1:00.0"

    /// A GPU in sysfs, with a power sensor of so many watts.
    private func gpu(
        _ address: String = address, class code: String = "0x120000", watts: Double? = nil,
        file: String = "power1_average"
    ) -> [String: String] {
        var files = pciFunction(address, vendor: "0x1002", class: code)
        if let watts {
            files["/sys/bus/pci/devices/\(address)/hwmon/hwmon3/\(file)"] = "\(Int(watts * 1e6))\n"
        }
        return files
    }

    private func discover(
        _ smi: AMDSMI, _ files: [String: String], clock: SimulatedClock = SimulatedClock()
    ) throws -> [MeterListing] {
        let tree = try TemporaryDirectory(files)
        return withExtendedLifetime(tree) { AMDSMIMeter.discover(tree.host, smi: smi, clock: clock) }
    }

    private func discover(_ fake: FakeLibrary, _ files: [String: String]) throws -> [MeterListing] {
        try discover(AMDSMI(library: fake.path), files, clock: fake.clock)
    }

    // MARK: What it is

    @Test(arguments: ["0x120000", "0x038000", "0x030000"]) func aGPUIsACounterOfItsPCIAddress(code: String) throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.watts=200\ngpu0.period_s=0.02\n")
        var files = gpu(class: code, watts: 190)
        files["/sys/bus/pci/devices/\(Self.address)/product_name"] = "AMD Instinct MI300X\n"
        files["/sys/bus/pci/devices/\(Self.address)/hwmon/hwmon3/power1_cap_max"] = "750000000\n"
        let listings = try discover(fake, files)
        // Its second partition, which has its address, is no GPU of its own.
        #expect(listings.count == 1)
        let listing = try #require(listings.first)
        #expect(listing.availability == .available)
        let meter = listing.description
        #expect(meter.id == "amdsmi/0000:c1:00.0")
        #expect(meter.silicon == "0000:c1:00.0")
        #expect(meter.name == "AMD Instinct MI300X")
        #expect(meter.scope == .accelerator)
        #expect(meter.kind == .counter)
        #expect(meter.rangeMicrojoules == nil)
        #expect(meter.plausiblePower == Power(watts: 1125))
        #expect(abs(meter.periodSeconds - 0.02) <= 0.004)
        #expect(meter.remarks.isEmpty)
    }

    /// The graphics of an APU are in its package; no GPU is missing where the library is not there, or does not know them.
    @Test func theGraphicsOfAnAPUAreNoAcceleratorThatIsMissing() throws {
        var files = gpu(class: "0x030000")
        #expect(try discover(AMDSMI(library: "/nowhere/libamd_smi.so"), files).count == 1)
        files["/sys/bus/pci/devices/\(Self.address)/hwmon/hwmon3/in1_label"] = "vddnb\n"
        #expect(try discover(AMDSMI(library: "/nowhere/libamd_smi.so"), files).isEmpty)
    }

    @Test func theDomainIsInTheAddress() throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.domain=65537\ngpu0.period_s=0.02\n")
        let listings = try discover(fake, gpu("10001:c1:00.0"))
        #expect(listings.map(\.description.silicon) == ["10001:c1:00.0"])
        #expect(listings.first?.availability == .available)
    }

    @Test func aStepIsTwoToTheMinusSixteenthJouleThoughTheLibraryRoundsIt() throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.watts=200\ngpu0.period_s=0.02\n")
        let listing = try #require(discover(fake, gpu(watts: 200)).first)
        let reader = listing.open()
        let before = Double(fake.clock.peek()) / 1e9
        guard case .counter(let microjoules) = reader.read() else {
            Issue.record("the counter was not read")
            return
        }
        // The fake counts from time 0, every 20 ms.
        let joules = Double(microjoules) / 1e6
        #expect(joules > 200 * (before - 0.02) - 1)
        #expect(joules < 200 * Double(fake.clock.peek()) / 1e9 + 1)
        #expect(listing.description.resolution == 1e6 / 65536)
    }

    @Test func aWindowHoldsTheEnergyThatTheGPUDrew() throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.watts=500\ngpu0.period_s=0.02\n")
        let energy = try measure(discover(fake, gpu(watts: 480)), clock: fake.clock, seconds: 2)
        let expected = 500 * energy.window.durationSeconds
        #expect(abs(energy.total.energy.joules - expected) <= 1.5 * 500 * 0.02)
        #expect(energy.total.coverage == 1)
    }

    // MARK: Whether it can be believed

    @Test(arguments: ["power1_average", "power1_input"])
    func aCounterThatRunsWrongGivesWayToHwmon(file: String) throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.watts=200\ngpu0.period_s=0.01\ngpu0.wrong=0.25\n")
        let listing = try #require(discover(fake, gpu(watts: 200, file: file)).first)
        #expect(listing.problem.hasSuffix("W where its power sensor says 200.0 W; hwmon is used"))
        let told = listing.problem.split(separator: " ").dropFirst(4).first.flatMap { Double($0) }
        #expect(abs((told ?? 0) - 50) < 5)
        #expect(listing.open().read() == .failed(errno: ENOTSUP))
    }

    @Test(arguments: [(0.0, 200.0), (1, 40), (1, 250)]) func aCounterOutOfAFactorOfTwoIsNotBelieved(
        wrong: Double, sensor: Double
    ) throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.watts=100\ngpu0.period_s=0.01\ngpu0.wrong=\(wrong)\n")
        #expect(try discover(fake, gpu(watts: sensor)).first?.availability.isAvailable == false)
    }

    @Test(arguments: [(60.0), (180)]) func aCounterWithinAFactorOfTwoIsBelieved(sensor: Double) throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.watts=100\ngpu0.period_s=0.01\n")
        let listing = try #require(discover(fake, gpu(watts: sensor)).first)
        #expect(listing.availability == .available)
        #expect(listing.description.remarks.isEmpty)
    }

    @Test func aSecondDieThatSaysNothingIsAvailableAndSaysSo() throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.watts=0\n")
        let listing = try #require(discover(fake, gpu(watts: 0)).first)
        #expect(listing.availability == .available)
        #expect(listing.description.remarks.contains { $0.contains("second die") })
    }

    @Test func withoutAPowerSensorItIsSaidThatNothingWasCompared() throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.watts=200\ngpu0.period_s=0.02\n")
        let listing = try #require(discover(fake, gpu()).first)
        #expect(listing.availability == .available)
        #expect(listing.description.remarks.contains { $0.contains("no power sensor") })
    }

    @Test func theComparisonIsMadeOnceAndABadOneIsForgotten() throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.watts=200\ngpu0.period_s=0.02\n")
        let smi = AMDSMI(library: fake.path)
        let first = try discover(smi, gpu(watts: 200), clock: fake.clock).map(\.description)
        let calls = fake.calls
        #expect(calls > 40)
        #expect(try discover(smi, gpu(watts: 200), clock: fake.clock).map(\.description) == first)
        #expect(fake.calls == calls + 1)

        let then = MonotonicTime(seconds: 1000)
        let later = then.advanced(bySeconds: 61)
        let good = AMDSMI.Verdict(outcome: .agrees, periodSeconds: 0.02, time: then)
        let bad = AMDSMI.Verdict(outcome: .disagrees(counterWatts: 1, sensorWatts: 9), periodSeconds: nil, time: then)
        smi.keep(good, of: "good")
        smi.keep(bad, of: "bad")
        #expect(smi.verdict(of: "good", at: later, badFor: 60) == good)
        #expect(smi.verdict(of: "bad", at: then.advanced(bySeconds: 59), badFor: 60) == bad)
        #expect(smi.verdict(of: "bad", at: later, badFor: 60) == nil)
    }

    // MARK: What cannot be read

    @Test func withoutAGPUOfAMDsTheLibraryIsNotEvenOpened() throws {
        let fake = try FakeLibrary("amdsmi", "")
        let bridge = pciFunction("0000:00:00.0", vendor: "0x1002", class: "0x060000")
        let other = pciFunction(Self.address, vendor: "0x10de", class: "0x030000")
        #expect(try discover(fake, bridge.merging(other) { a, _ in a }).isEmpty)
        #expect(fake.calls == 0)
    }

    @Test func aMissingLibraryIsSaidOfEachGPU() throws {
        let listing = try #require(discover(AMDSMI(library: "libtaskwatt-no-such.so"), gpu(watts: 100)).first)
        #expect(listing.problem.contains("no libamd_smi.so; hwmon is used; install the package amd-smi-lib"))
        let nvml = try FakeLibrary("nvml")
        #expect(try discover(nvml, gpu()).first?.problem.contains("\(nvml.path) is not AMD SMI") == true)
    }

    @Test(arguments: [
        (34, "not loaded; sudo modprobe amdgpu"), (10, "does not let this user in; run the daemon"),
        (18, "status 18 (AMDSMI_STATUS_INIT_ERROR)"), (7, "status 7"),
    ]) func aLibraryThatDoesNotStartIsSaid(status: Int, text: String) throws {
        let fake = try FakeLibrary("amdsmi", "init=\(status)\n")
        #expect(try discover(fake, gpu()).first?.problem.contains(text) == true)
    }

    @Test(arguments: ["gpu0.energy=2\n", "gpu0.absent=1\n"]) func aGPUThatDoesNotCountEnergyGivesWay(scenario: String)
        throws
    {
        let fake = try FakeLibrary("amdsmi", scenario)
        #expect(try discover(fake, gpu(watts: 100)).first?.problem.contains("does not count this GPU's energy") == true)
    }

    @Test func aGPUThatTheLibraryDoesNotSeeIsListed() throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.watts=100\ngpu0.period_s=0.02\n")
        let listings = try discover(fake, gpu(watts: 100).merging(gpu("0000:c8:00.0")) { a, _ in a })
        #expect(listings.map(\.availability.isAvailable) == [true, false])
        #expect(listings.last?.problem.contains("does not see this GPU") == true)
    }

    @Test func aFailedReadIsAnErrorOfTheSystemAndTheNextOneLooksAnew() throws {
        let fake = try FakeLibrary("amdsmi", "gpu0.watts=100\ngpu0.period_s=0.02\n")
        let clock = fake.clock
        let tree = try TemporaryDirectory(gpu())
        let listings = withExtendedLifetime(tree) {
            AMDSMIMeter.discover(tree.host, smi: AMDSMI(library: fake.path), clock: clock)
        }
        let reader = try #require(listings.first).open()
        guard case .counter = reader.read() else {
            Issue.record("the first read failed")
            return
        }
        for (status, errno) in [(8, ETIMEDOUT), (10, EACCES), (30, EBUSY), (12, EIO), (31, ENODEV)] {
            try fake.play("gpu0.energy=\(status)\n")
            clock.sleep(until: clock.now().advanced(bySeconds: 1.1))
            #expect(reader.read() == (errno == ENODEV ? .gone(errno: errno) : .failed(errno: errno)))
        }
        // It has another handle now.
        try fake.play("gpu0.watts=100\ngeneration=1\n")
        clock.sleep(until: clock.now().advanced(bySeconds: 1.1))
        guard case .counter = reader.read() else {
            Issue.record("the GPU came back and its meter did not")
            return
        }
    }

    // MARK: Together

    @Test func oneGPUUnderThreeMetersCountsOnce() throws {
        let amd = try FakeLibrary("amdsmi", "bus=16\ngpu0.watts=100\ngpu0.period_s=0.02\n")
        let nvidia = try FakeLibrary("nvml", "gpu0.watts=100\ngpu0.period_s=0.02\n")
        let address = "0000:10:00.0"
        let smi = try discover(amd, gpu(address, watts: 100))
        let nvml = NVMLMeter.discover(
            HostRoot(root: "/nowhere"), nvml: NVML(library: nvidia.path), clock: nvidia.clock)
        // As HwmonMeter describes an amdgpu chip.
        let hwmon = MeterDescription(
            id: "hwmon/amdgpu-pci-1000/power1", name: "amdgpu PPT", scope: .accelerator, kind: .gauge,
            provenance: .measured, source: "power1_average", periodSeconds: 0.1, resolution: 1,
            plausiblePower: Power(watts: 3000), silicon: address)
        let meters = (nvml + smi).map(\.description) + [hwmon]
        #expect(meters.map(\.silicon) == [address, address, address])
        #expect(try TotalSelection(meters: meters).members[.components] == ["nvml/\(address)"])
        #expect(
            try TotalSelection(meters: smi.map(\.description) + [hwmon]).members[.components] == ["amdsmi/\(address)"])
    }
}
