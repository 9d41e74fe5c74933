import Core
import Diagnostics
import Host
import Running
import TestSupport
import Testing

/// What is said where nothing measures: that depends on who has the counters.
@Suite struct MachineKindTests {
    private static let container = ["/run/.containerenv": ""]
    private static let virtual = [
        "/proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu hypervisor\n"
    ]

    private func kind(_ files: [String: String]) throws -> MachineKind {
        let tree = try TemporaryDirectory(files)
        defer { withExtendedLifetime(tree) {} }
        return MachineKind(tree.host)
    }

    @Test func aContainerIsOneWhateverItsHostIs() throws {
        #expect(try kind(Self.container + Self.virtual) == .container(Container(engine: .podman)))
        #expect(try kind(Self.virtual) == .virtual)
        #expect(try kind(DoctorBench.cpuinfo()) == .real)
    }

    @Test func theListingSaysSoInOneLine() throws {
        let podman = try kind(Self.container)
        let alone = try #require(podman.line(measures: false, isByDaemon: false))
        #expect(alone.contains("Podman") && alone.contains("/run/taskwatt") && !alone.contains("modprobe"))
        let served = try #require(podman.line(measures: true, isByDaemon: true))
        #expect(served.contains("Podman") && served.contains("daemon") && !served.contains("mount"))
        let virtual = try #require(try kind(Self.virtual).line(measures: false, isByDaemon: false))
        #expect(virtual.contains("host") && !virtual.contains("modprobe"))
        let real = try #require(try kind(DoctorBench.cpuinfo()).line(measures: false, isByDaemon: false))
        #expect(real.contains("modprobe"))
        #expect(![alone, served, virtual, real].contains { $0.contains("\n") })
        #expect(try kind(DoctorBench.cpuinfo()).line(measures: true, isByDaemon: false) == nil)
    }

    @Test func doctorAdvisesByTheKindOfMachine() throws {
        let meters = [DoctorBench.meter("model", provenance: .estimated)]
        let contained = try DoctorBench.check("meters", Self.container, meters: meters)
        #expect(contained.remedy?.contains("/sys/devices/virtual/powercap") == true)
        #expect(contained.remedy?.contains("modprobe") == false)
        let virtual = try DoctorBench.check("meters", Self.virtual, meters: meters)
        #expect(virtual.remedy?.contains("host") == true && virtual.remedy?.contains("modprobe") == false)
        #expect(try DoctorBench.check("hypervisor", DoctorBench.cpuinfo() + Self.container).found.contains("Podman"))
        #expect(try DoctorBench.check("hypervisor", Self.virtual + Self.container).found.contains("Podman"))
    }
}
