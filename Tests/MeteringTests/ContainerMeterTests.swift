import Accounting
import Core
import Metering
import TestSupport
import Testing

/// What is listed where an engine hides its host's counters.
@Suite struct ContainerMeterTests {
    /// Docker and containerd mask `/sys/devices/virtual/powercap`, and the links of the class lead nowhere.
    private func masked(_ files: [String: String]) throws -> TemporaryDirectory {
        let tree = try TemporaryDirectory(files)
        for zone in ["intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1"] {
            try tree.link("/sys/class/powercap/\(zone)", to: "../../devices/virtual/powercap/intel-rapl/\(zone)")
        }
        return tree
    }

    @Test(
        "A zone that is hidden is listed with what shows it, whether or not the container is recognised",
        arguments: [
            ("/.dockerenv", "Docker", "systempaths"), ("/run/.containerenv", "Podman", "unmask="),
            ("/none", "container", "mount"),
        ])
    func hidden(marker: String, name: String, option: String) throws {
        let tree = try masked([marker: ""])
        let listings = PowercapMeter.discover(tree.host)
        #expect(listings.map(\.description.id) == ["powercap/intel-rapl:0", "powercap/intel-rapl:1"])
        for listing in listings {
            guard case .unavailable(let reason, let remedy?) = listing.availability else {
                Issue.record("a zone that leads nowhere is available, or has no remedy")
                continue
            }
            #expect(reason.contains(name) && reason.contains(listing.description.name))
            #expect(
                remedy.contains("/sys/devices/virtual/powercap") && remedy.contains("/run/taskwatt")
                    && remedy.contains(option))
            #expect(!remedy.contains("modprobe"))
            #expect(listing.description.scope == .package)
        }
    }

    @Test func whatIsMountedIsRead() throws {
        let tree = try masked([
            "/.dockerenv": "", "/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/name": "package-0\n",
            "/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/energy_uj": "5\n",
        ])
        let listing = try #require(PowercapMeter.discover(tree.host).first)
        #expect(listing.availability.isAvailable && listing.open().read() == .counter(microjoules: 5))
    }
}
