import Accounting
import Core
import Glibc
import Host
import Metering
import Sensors
import Synchronization
import TestSupport
import Testing

@Suite struct HwmonMeterTests {
    /// ACPI power meters by what each says that it measures, and its watts.
    private func powerMeters(_ infos: [(String?, Double)], order: [Int]? = nil) throws -> HwmonTree {
        var tree = try HwmonTree()
        for index in order ?? Array(infos.indices) {
            var files = ["power1_average": "\(Int(infos[index].1 * 1e6))", "power1_average_interval": "50"]
            files["power1_oem_info"] = infos[index].0
            try tree.add(
                "power_meter", as: "power_meter-acpi-0", device: "LNXSYSTM:00/LNXSYBUS:00/ACPI000D:0\(index)",
                bus: "acpi",
                isOld: true, files)
        }
        return tree
    }

    private static let grace: [(String?, Double)] = [
        ("CPU Power Socket 0", 52), ("SysIO Power Socket 0", 6.3), ("Grace Power Socket 0", 102),
        ("Module Power Socket 0", 380),
    ]

    private func scopes(_ tree: HwmonTree) -> [String: MeterScope] {
        Dictionary(uniqueKeysWithValues: tree.listings.map { ($0.description.id, $0.description.scope) })
    }

    /// A GPU in runtime suspend refuses to be read. It is known all the same, and joins when it wakes.
    @Test func aGPUThatSleepsJoinsWhenItWakes() throws {
        var tree = try HwmonTree()
        let device = "pci0000:00/0000:03:00.0"
        var chip = try tree.add(
            "amdgpu", as: "amdgpu-pci-0300", device: device, bus: "pci", ["power1_average": ""])
        chip.features[0].values[0].problem = "Can't read"
        let host = tree.directory.host
        let listing = try #require(HwmonMeter.listings(of: HwmonChip.named([chip], host), host).first)
        #expect(listing.availability.isAvailable && listing.description.scope == .accelerator)
        let reader = listing.open()
        guard case .failed = reader.read() else {
            Issue.record("an empty file was read as a number")
            return
        }
        try tree.directory.write("/sys/devices/\(device)/hwmon/hwmon0/power1_average", "93000000\n")
        #expect(reader.read() == .gauge(microwatts: 93_000_000))
    }

    // MARK: Identity

    @Test func fourPowerMetersAreFourAndTheModuleIsTheSystem() throws {
        let tree = try powerMeters(Self.grace)
        func id(_ number: Int) -> String { "hwmon/power_meter-acpi-ACPI000D:0\(number)/power1" }
        #expect(tree.readings == [id(0): 52, id(1): 6.3, id(2): 102, id(3): 380])
        #expect(scopes(tree) == [id(0): .core, id(1): .uncore, id(2): .package, id(3): .system])
        let selection = try TotalSelection(meters: tree.listings.map(\.description), asked: .system)
        #expect(selection.members[.system] == [id(3)] && selection.members[.components] == [id(2)])
        #expect(tree.listings.allSatisfy { $0.description.averagingSeconds == 0.05 })
    }

    @Test func anotherOrderOfFindingChangesNoID() throws {
        let (one, other) = (try powerMeters(Self.grace), try powerMeters(Self.grace, order: [3, 1, 0, 2]))
        #expect(one.readings == other.readings)
        #expect(scopes(one) == scopes(other))
        // Nor which of several of one thing counts, which is the first.
        #expect(one.listings.map(\.description.id) == other.listings.map(\.description.id))
    }

    /// Two sockets of an Altra: platform devices without a number, which libsensors takes for one address.
    @Test func platformDevicesWithoutAnAddressAreTwo() throws {
        func altra(_ order: [Int]) throws -> HwmonTree {
            var tree = try HwmonTree()
            for socket in order {
                try tree.add(
                    "apm_xgene", as: "apm_xgene-isa-0000", device: "platform/APMC0D29:0\(socket)", bus: "platform",
                    [
                        "power1_input": "\(80 + socket)000000", "power1_label": "CPU power",
                        "power2_input": "20000000", "power2_label": "IO power",
                    ])
            }
            return tree
        }
        let tree = try altra([0, 1])
        #expect(tree.readings == (try altra([1, 0])).readings)
        #expect(tree.readings["hwmon/apm_xgene-platform-APMC0D29:01/power1"] == 81)
        let selection = try TotalSelection(meters: tree.listings.map(\.description))
        #expect(selection.members[.components]?.count == 2 && selection.scope == .components)
    }

    /// The number of an I²C bus is that of its finding: another one after a restart, and the id stays.
    @Test func theNumberOfABusIsInNoID() throws {
        func jetson(_ bus: Int) throws -> HwmonTree {
            var tree = try HwmonTree()
            for address in ["40", "41"] {
                try tree.add(
                    "ina3221", as: "ina3221-i2c-\(bus)-\(address)",
                    device: "platform/bus@0/c240000.i2c/i2c-\(bus)/\(bus)-00\(address)", bus: "i2c",
                    ["in1_input": "5000", "curr1_input": "2000", "in1_label": address == "40" ? "VDD_IN" : "VDD_CPU"])
            }
            return tree
        }
        let (tree, later) = (try jetson(1), try jetson(7))
        #expect(
            tree.readings == [
                "hwmon/ina3221-i2c-c240000.i2c-40/curr1": 10, "hwmon/ina3221-i2c-c240000.i2c-41/curr1": 10,
            ])
        #expect(later.readings == tree.readings)
        #expect(later.listings.formerly("hwmon/ina3221-i2c-7-41/curr1").count == 1)
        #expect(scopes(tree)["hwmon/ina3221-i2c-c240000.i2c-40/curr1"] == .system)
    }

    /// Two adapters of one controller, whose names differ only by what the device is called above them.
    @Test func chipsOnTwoAdaptersOfOneDeviceAreTwo() throws {
        func card(_ first: Int) throws -> HwmonTree {
            var tree = try HwmonTree()
            for (index, port) in ["card0-DP-1", "card0-DP-2"].enumerated() {
                let bus = first + index
                try tree.add(
                    "ina219", as: "ina219-i2c-\(bus)-40",
                    device: "pci0000:00/0000:03:00.0/\(port)/i2c-\(bus)/\(bus)-0040", bus: "i2c",
                    ["power1_input": "\(index + 1)000000"])
            }
            return tree
        }
        let tree = try card(3)
        #expect(tree.readings.values.sorted() == [1, 2] && tree.readings.count == 2)
        #expect(try card(9).readings == tree.readings)
    }

    /// A power supply on USB goes by its serial number, else by where it is plugged in, and not by how often it was.
    @Test(arguments: ["1234\n", nil]) func aUSBDeviceIsTheSameAfterItIsPluggedInAgain(serial: String?) throws {
        func supply(_ times: String) throws -> HwmonTree {
            var tree = try HwmonTree()
            let usb = "pci0000:00/0000:00:14.0/usb1/1-9"
            if let serial { try tree.directory.write("/sys/devices/\(usb)/serial", serial) }
            try tree.add(
                "corsairpsu", as: "corsairpsu-hid-3-\(times)", device: "\(usb)/1-9:1.0/0003:1B1C:1C05.000\(times)",
                bus: "hid", ["power1_input": "150000000"])
            return tree
        }
        let id = "hwmon/corsairpsu-hid-1B1C:1C05-\(serial == nil ? "0000:00:14.0-9" : "1234")/power1"
        #expect(try supply("2").readings == [id: 150])
        #expect(try supply("5").readings == [id: 150])
    }

    @Test func chipsOfNoDeviceGoByTheirLabels() throws {
        var tree = try HwmonTree()
        for (label, watts) in [("disk A", 7), ("disk B", 9)] {
            try tree.add(
                "shelf", as: "shelf-virtual-0", device: nil, ["power1_input": "\(watts)000000", "power1_label": label])
        }
        #expect(tree.readings == ["hwmon/shelf-virtual-0-disk_A/power1": 7, "hwmon/shelf-virtual-0-disk_B/power1": 9])
    }

    /// Where nothing that lasts tells two apart, one is measured and the other said to be left out.
    @Test func whatCannotBeToldApartIsNotMerged() throws {
        var tree = try HwmonTree()
        for watts in [7, 9] {
            try tree.add("shelf", as: "shelf-virtual-0", device: nil, ["power1_input": "\(watts)000000"])
        }
        let listings = MeterIdentity.distinct(tree.listings)
        #expect(Set(listings.map(\.description.id)).count == 2)
        #expect(
            listings.map(\.availability.isAvailable) == [true, false] && listings.map(\.isDouble) == [false, true])
        guard case .unavailable(let reason, _) = listings[1].availability else { return }
        #expect(reason.contains("hwmon/shelf-virtual-0/power1") && reason.contains("hwmon1"))
        // A record of what is selected has each id once.
        let chosen = try MeterCatalogue.select(listings)
        #expect(chosen.count == 1)
    }

    @Test func aGPUKeepsItsIDAndItsSilicon() throws {
        var tree = try HwmonTree()
        try tree.add(
            "amdgpu", as: "amdgpu-pci-0300", device: "pci0000:00/0000:03:00.0", bus: "pci",
            ["power1_average": "93000000"])
        let listing = try #require(tree.listings.first)
        #expect(listing.description.id == "hwmon/amdgpu-pci-0300/power1" && listing.formerIDs.isEmpty)
        #expect(listing.description.scope == .accelerator && listing.description.silicon == "0000:03:00.0")
    }

    @Test func anOldIDFindsItsMeterWhereItWasTheOnlyOne() throws {
        let old = "hwmon/power_meter-acpi-0/power1"
        let one = try powerMeters([(nil, 200)]).listings
        #expect(
            try MeterCatalogue.select(one, ids: [old]).map(\.description.id) == [
                "hwmon/power_meter-acpi-ACPI000D:00/power1"
            ])
        let four = try powerMeters(Self.grace).listings
        #expect(four.named(old) == nil && four.formerly(old).count == 4)
        #expect(throws: MeteringError.self) { try MeterCatalogue.select(four, ids: [old]) }
    }

    // MARK: Scopes

    @Test func oneThatDoesNotTellIsTheMachine() throws {
        for info in [nil, "", "Intel Node Manager"] {
            let tree = try powerMeters([(info, 200)])
            #expect(scopes(tree).values.map { $0 } == [.system], "\(info ?? "none")")
        }
    }

    @Test func ofSeveralThatDoNotTellNoneIsTakenAndTheKeyIsNamed() throws {
        let tree = try powerMeters([(nil, 200), ("Chassis", 300)])
        #expect(Set(scopes(tree).values) == [.rail])
        #expect(throws: MeteringError.self) { try TotalSelection(meters: tree.listings.map(\.description)) }
        for listing in tree.listings {
            let remark = try #require(listing.description.remarks.first)
            #expect(remark.contains("ACPI000D:00") && remark.contains("ACPI000D:01"))
            #expect(remark.contains("overrides: {\"\(listing.description.id)\": {scope: system}}"))
        }
    }

    /// Two Grace Hopper modules in one machine: neither is the machine, and their sum is.
    @Test func severalModulesAreTheSystemTogether() throws {
        let tree = try powerMeters([("Module Power Socket 0", 380), ("Module Power Socket 1", 400)])
        let sum = try #require(tree.listings.last)
        #expect(sum.description.scope == .system && sum.description.provenance == .derived)
        #expect(sum.open().read() == .gauge(microwatts: 780_000_000))
        #expect(scopes(tree).values.filter { $0 == .system }.count == 1)
        try tree.directory.write("\(tree.sensors[1].path)/power1_average", "")
        guard case .failed = sum.open().read() else {
            Issue.record("a sum without one of its parts")
            return
        }
    }

    @Test func aGraceWithoutTheMeterOfItsSocketGoesByItsCores() throws {
        #expect(
            scopes(try powerMeters([("CPU Power Socket 0", 52), ("SysIO Power Socket 0", 6)])).values.contains(.package)
        )
    }

    @Test func aMeterOfABatteryIsNotTheMachine() throws {
        var tree = try HwmonTree()
        try tree.add(
            "power_meter", as: "power_meter-acpi-0", device: "LNXSYSTM:00/ACPI000D:00", bus: "acpi", isOld: true,
            ["power1_average": "9000000", "power1_is_battery": "1"])
        #expect(scopes(tree).values.map { $0 } == [.rail])
        // And one beside it is no less the machine's.
        try tree.add(
            "power_meter", as: "power_meter-acpi-0", device: "LNXSYSTM:00/ACPI000D:01", bus: "acpi", isOld: true,
            ["power1_average": "70000000"])
        #expect(scopes(tree)["hwmon/power_meter-acpi-ACPI000D:01/power1"] == .system)
    }

    @Test func theCountersOfAMDEnergyAreOfPackagesAndCores() throws {
        var tree = try HwmonTree()
        try tree.add(
            "amd_energy", as: "amd_energy-isa-0000", device: "platform/amd_energy.0", bus: "platform",
            [
                "energy1_input": "1000000", "energy1_label": "Ecore000", "energy2_input": "2000000",
                "energy2_label": "Ecore001",
                "energy3_input": "9000000", "energy3_label": "Esocket0", "energy4_input": "8000000",
                "energy4_label": "Esocket1",
            ])
        let meters = tree.listings.map(\.description)
        #expect(meters.filter { $0.scope == .core }.count == 2)
        // The silicon is that of powercap's zone of the package, so that it counts once.
        #expect(meters.filter { $0.scope == .package }.map(\.silicon) == ["package-0", "package-1"])
        #expect(tree.readings["hwmon/amd_energy-isa-0000/energy3"] == 9)
    }

    @Test func theWholeOfAMacIsTheSystemAndItsRailsAreRails() throws {
        var tree = try HwmonTree()
        try tree.add(
            "macsmc_hwmon", as: "macsmc_hwmon-isa-0000", device: "platform/soc/23e400000.smc/macsmc-hwmon",
            bus: "platform",
            [
                "power1_input": "9000000", "power1_label": "Total System Power", "power2_input": "4000000",
                "power2_label": "3.8 V Rail Power",
            ])
        #expect(tree.listings.map(\.description.scope) == [.system, .rail])
        #expect(tree.readings["hwmon/macsmc_hwmon-platform-macsmc-hwmon/power1"] == 9)
    }

    /// A label of sensors.conf is what is shown; where the chip sits is the driver's own word.
    @Test func aLabelOfTheUsersChangesNoScope() throws {
        var tree = try HwmonTree()
        try tree.add(
            "amd_energy", as: "amd_energy-isa-0000", device: "platform/amd_energy.0", bus: "platform",
            ["energy1_input": "9000000", "energy1_label": "Esocket0"])
        var chip = tree.sensors[0]
        chip.features[0].label = "my CPU"
        let listing = HwmonMeter.listings(of: HwmonChip.named([chip], tree.directory.host), tree.directory.host)[0]
        #expect(listing.description.scope == .package && listing.description.name == "amd_energy my CPU")
    }

    // MARK: What libsensors computes

    private func number(_ raw: String, _ library: @escaping @Sendable () -> SensorReading) throws -> (
        SensorNumber, TemporaryDirectory
    ) {
        let tree = try TemporaryDirectory(["/sys/class/hwmon/hwmon0/power1_input": raw])
        return (
            SensorNumber(host: tree.host, path: "/sys/class/hwmon/hwmon0/power1_input", scale: 1e6, library: library),
            tree
        )
    }

    @Test func whatIsComputedIsReadByTheLibrary() throws {
        let (number, tree) = try number("10000000\n") { .value(50) }
        #expect(try number.read() == 50_000_000)
        #expect(try number.read() == 50_000_000)
        withExtendedLifetime(tree) {}
    }

    @Test func whatIsNotComputedIsReadFromTheOpenFile() throws {
        let calls = Mutex(0)
        let (number, tree) = try number("10000000\n") {
            calls.withLock { $0 += 1 }
            return .value(10)
        }
        for _ in 0..<5 { #expect(try number.read() == 10_000_000) }
        #expect(calls.withLock { $0 } == 1)
        try tree.write("/sys/class/hwmon/hwmon0/power1_input", "11000000\n")
        #expect(try number.read() == 11_000_000)
    }

    /// Zero times five is zero: that tells nothing yet.
    @Test func zeroDoesNotDecide() throws {
        let watts = Mutex(0.0)
        let (number, tree) = try number("0\n") { .value(watts.withLock { $0 }) }
        #expect(try number.read() == 0)
        try tree.write("/sys/class/hwmon/hwmon0/power1_input", "2000000\n")
        watts.withLock { $0 = 10 }
        #expect(try number.read() == 10_000_000)
    }

    @Test func whatCannotBeComputedIsAFailureAndNotTheRawValue() throws {
        let (number, tree) = try number("10000000\n") { .failed }
        #expect(throws: HostError.self) { try number.read() }
        withExtendedLifetime(tree) {}
    }

    /// Intel's `xe`: the package is a part of the card, whichever comes first; where the card tells nothing it stands for the GPU.
    @Test(arguments: [["card", "pkg"], ["pkg", "card"], ["pkg"]])
    func thePackageOfACardIsAPartOfIt(labels: [String]) throws {
        var tree = try HwmonTree()
        var files: [String: String] = [:]
        for (index, label) in labels.enumerated() {
            files["energy\(index + 1)_input"] = label == "card" ? "9000000" : "5000000"
            files["energy\(index + 1)_label"] = label
        }
        try tree.add("xe", as: "xe-pci-0300", device: "pci0000:00/0000:03:00.0", bus: "pci", files)
        let meters = tree.listings.map(\.description)
        let selection = try TotalSelection(meters: meters)
        let counted = meters.filter { selection.members[.components]?.contains($0.id) == true }
        #expect(counted.map(\.name) == ["xe \(labels.contains("card") ? "card" : "pkg")"])
        let part = meters.first { $0.name == "xe pkg" }
        #expect(part?.parentID == counted.first { $0.name == "xe card" }?.id)
    }

    /// A part of a GPU is no accelerator of its own.
    @Test func theTileOfAGPUIsInNoTotal() throws {
        var tree = try HwmonTree()
        for driver in ["i915", "i915_gt0", "i915_gt1"] {
            try tree.add(
                driver, as: "\(driver)-pci-0300", device: "pci0000:00/0000:03:00.0", bus: "pci",
                ["energy1_input": "5000000"])
        }
        let selection = try TotalSelection(meters: tree.listings.map(\.description))
        #expect(selection.members[.components] == ["hwmon/i915-pci-0300/energy1"])
    }

    /// One of two that do not say what they measure is refused: the other is none the more the machine's, and says why.
    @Test func aMeterBesideOneThatDoesNotMeasureSaysSo() throws {
        let tree = try powerMeters([(nil, 4_294_967_295), (nil, 380)])
        let meters = tree.listings.map(\.description)
        #expect(meters.allSatisfy { $0.scope == .rail })
        #expect(meters[1].remarks.contains { $0.contains("does not measure now") && $0.contains("scope: system") })
        #expect(!meters[0].remarks.contains { $0.contains("does not measure now") })
    }

    /// A module that says nothing, or an error code, is not in the sum as nothing.
    @Test(arguments: [0.0, 4294.967295, -5, 30_000]) func aSumWithAPartThatCannotBe(watts: Double) throws {
        let tree = try powerMeters([("Module Power Socket 0", 380), ("Module Power Socket 1", watts)])
        let sum = try #require(tree.listings.first { $0.description.scope == .system })
        #expect(sum.open().read() == .gauge(microwatts: Int64((watts * 1e6).rounded())))
    }
}
