import Accounting
import Core
import Host
import TestSupport
import Testing

@testable import Metering

@Suite(.serialized) struct NVMLMeterTests {
    private static let address = "0000:10:00.0"
    private let gpu = pciFunction(address, vendor: "0x10de", class: "0x030200")

    // MARK: What it is

    @Test func aGPUThatCountsEnergyIsACounterOfItsPCIAddress() throws {
        let fake = try FakeLibrary("nvml", "gpu0.max_limit=700\ngpu0.period_s=0.02\n")
        let listing = try #require(discoverNVML(fake, gpu).first)
        #expect(listing.availability == .available)
        let meter = listing.description
        #expect(meter.id == "nvml/0000:10:00.0")
        #expect(meter.silicon == "0000:10:00.0")
        #expect(meter.name == "NVIDIA Fake")
        #expect(meter.scope == .accelerator)
        #expect(meter.kind == .counter)
        #expect(meter.resolution == 1000)
        #expect(meter.rangeMicrojoules == nil)
        #expect(meter.plausiblePower == Power(watts: 1050))
        #expect(meter.remarks.contains { $0.contains("± 5 W") })
        #expect(!meter.remarks.contains { $0.contains("MIG") })
    }

    @Test func aDomainOfMoreThanFourDigitsIsWrittenAsTheKernelDoes() throws {
        let fake = try FakeLibrary("nvml", "gpu0.domain=65536\ngpu0.period_s=0.02\n")
        let meter = try #require(discoverNVML(fake).first).description
        #expect(meter.silicon == "10000:10:00.0")
        #expect(meter.plausiblePower == Power(watts: 3000))
    }

    @Test func underMIGItIsTheWholeGPUOnce() throws {
        let fake = try FakeLibrary("nvml", "gpu0.mig=3\ngpu0.period_s=0.02\n")
        let listings = try discoverNVML(fake, gpu)
        #expect(listings.count == 1)
        #expect(listings.first?.description.remarks.contains { $0.contains("whole GPU, with 3 MIG devices") } == true)
    }

    @Test(
        arguments: [
            (7, 0, 0.0, nil), (8, 0, 0, nil), (8, 6, 1, nil), (9, 0, 1, nil), (12, 0, 1, nil), (3, 5, 0, 0.05),
        ] as [(Int, Int, Double, Double?)])
    func withoutAnEnergyCounterItsPowerIsAGaugeThatAveragesFromAmpereOn(
        major: Int, minor: Int, averaging: Double, accuracy: Double?
    ) throws {
        let fake = try FakeLibrary(
            "nvml", "gpu0.energy=3\ngpu0.watts=123.456\ngpu0.major=\(major)\ngpu0.minor=\(minor)\n")
        let listing = try #require(discoverNVML(fake, gpu).first)
        #expect(listing.availability == .available)
        #expect(listing.description.kind == .gauge)
        #expect(listing.description.averagingSeconds == averaging)
        #expect(listing.description.relativeAccuracy == accuracy)
        #expect(listing.open().read() == .gauge(microwatts: 123_456_000))
    }

    @Test func anOldLibraryLeavesOutWhatItDoesNotKnow() throws {
        let fake = try FakeLibrary("nvml", define: "OLD", "gpu0.watts=50\n")
        let nvml = NVML(library: fake.path)
        let listing = try #require(NVMLMeter.discover(HostRoot(root: "/nowhere"), nvml: nvml).first)
        #expect(listing.description.kind == .gauge)
        #expect(listing.description.averagingSeconds == 0)
        let state = try #require(nvml.states().first)
        #expect(state.address == Self.address)
        #expect(state.isPersistent == true)
        #expect(state.driverVersion == nil)
        #expect(state.smClock == nil)
        #expect(state.temperature == nil)
        #expect(state.throttleReasons == nil)
        #expect(state.processes == nil)
        #expect(state.isMIG == nil)
    }

    // MARK: What cannot be read

    @Test(arguments: [
        (18, "different versions", "restart the machine"), (9, "not loaded", "modprobe nvidia"),
        (4, "does not let this user in", "/dev/nvidiactl"), (17, "blocked", "--gpus all"),
        (15, "fallen off the bus", "Xid"), (16, "reset", "nvidia-smi --gpu-reset"), (999, "error 999", ""),
    ])
    func aLibraryThatDoesNotStartIsSaidOfEachGPU(status: Int, reason: String, remedy: String) throws {
        let fake = try FakeLibrary("nvml", "init=\(status)\n")
        let listings = try discoverNVML(fake, gpu)
        #expect(listings.count == 1)
        let listing = try #require(listings.first)
        #expect(listing.description.id == "nvml/0000:10:00.0")
        #expect(listing.problem.contains(reason))
        #expect(listing.problem.contains(remedy))
        #expect(!listing.problem.contains("\n"))
        #expect(listing.open().read().value == nil)
        // Without a GPU there is nothing to say: the library of a machine image is no meter.
        #expect(try discoverNVML(fake).isEmpty)
    }

    @Test func withoutTheLibraryOnlyAGPUIsWorthALine() throws {
        let nvml = NVML(library: "libtaskwatt-no-such-library.so.1")
        let sound = pciFunction("0000:10:00.1", vendor: "0x10de", class: "0x040300")
        let other = pciFunction("0000:20:00.0", vendor: "0x8086", class: "0x030000")
        let bare = try TemporaryDirectory(sound.merging(other) { a, _ in a })
        #expect(withExtendedLifetime(bare) { NVMLMeter.discover(bare.host, nvml: nvml) }.isEmpty)
        let tree = try TemporaryDirectory(gpu.merging(sound) { a, _ in a })
        let listings = withExtendedLifetime(tree) { NVMLMeter.discover(tree.host, nvml: nvml) }
        #expect(listings.map(\.description.silicon) == [Self.address])
        #expect(listings.first?.problem.contains("there is no libnvidia-ml.so.1") == true)
        #expect(listings.first?.problem.contains("TASKWATT_NVML") == true)
        #expect(nvml.states().isEmpty)
    }

    @Test func aFileThatIsNotNVMLIsNamed() throws {
        let fake = try FakeLibrary("nvml", define: "NOT_NVML")
        #expect(try discoverNVML(fake, gpu).first?.problem.contains("\(fake.path) is not NVML") == true)
    }

    @Test func aGPUThatIsLostDoesNotHideTheOthers() throws {
        let fake = try FakeLibrary("nvml", "count=2\ngpu1.handle=15\ngpu0.period_s=0.02\n")
        let second = pciFunction("0000:11:00.0", vendor: "0x10de", class: "0x030000")
        let listings = try discoverNVML(fake, gpu.merging(second) { a, _ in a })
        #expect(listings.map(\.description.id) == ["nvml/0000:10:00.0", "nvml/0000:11:00.0"])
        #expect(listings.first?.availability == .available)
        #expect(listings.last?.problem.contains("fallen off the bus") == true)
        // Where sysfs does not tell its address, it is listed all the same.
        let bare = try discoverNVML(fake)
        #expect(bare.map(\.description.id) == ["nvml/0000:10:00.0", "nvml/gpu-1"])
        #expect(bare.map(\.availability.isAvailable) == [true, false])
    }

    @Test func aGPUOfAnotherDriverNamesTheDriver() throws {
        let fake = try FakeLibrary("nvml", "gpu0.period_s=0.02\n")
        let tree = try TemporaryDirectory(
            gpu.merging(pciFunction("0000:20:00.0", vendor: "0x10de", class: "0x030000")) { a, _ in a })
        try tree.link("/sys/bus/pci/devices/0000:20:00.0/driver", to: "../../../bus/pci/drivers/vfio-pci")
        let listings = withExtendedLifetime(tree) {
            NVMLMeter.discover(tree.host, nvml: NVML(library: fake.path), clock: fake.clock)
        }
        #expect(listings.count == 2)
        #expect(listings.last?.problem.contains("vfio-pci holds it") == true)
    }

    @Test func aGPUWithNeitherEnergyNorPowerIsUnavailable() throws {
        let fake = try FakeLibrary("nvml", "gpu0.energy=3\ngpu0.power=3\n")
        #expect(try discoverNVML(fake, gpu).first?.problem.contains("neither the energy nor the power") == true)
    }

    // MARK: State

    @Test func theStateOfAGPUIsToldInUnits() throws {
        let fake = try FakeLibrary("nvml", "count=2\ngpu0.processes=70\ngpu0.mig=0\ngpu1.handle=16\n")
        let states = NVML(library: fake.path).states()
        try #require(states.count == 2)
        let state = states[0]
        #expect(state.address == Self.address)
        #expect(state.driverVersion == "580.82.07")
        #expect(state.powerLimit == 500)
        #expect(state.defaultPowerLimit == 700)
        #expect(state.smClock == 1980)
        #expect(state.memoryClock == 2619)
        #expect(state.temperature == 41)
        #expect(state.throttleReasons == ["software power cap", "hardware thermal slowdown"])
        #expect(state.isMIG == true)
        // More than fit at first; the driver does not tell the memory of the first.
        #expect(state.processes?.count == 70)
        #expect(state.processes?.first == .init(pid: 1000, memory: nil))
        #expect(state.processes?.last == .init(pid: 1069, memory: 69))
        #expect(states[1].problem?.contains("reset") == true)
    }
}
