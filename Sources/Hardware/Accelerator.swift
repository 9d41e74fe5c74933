/// The classes of accelerators, as the surveys of the field tell them apart.
package enum AcceleratorClass: String, Sendable, Hashable, Codable, CaseIterable {
    case gpu, fpga, tpu, npu
    case digitalASIC = "digital-asic"
    case other
}

/// A device that machine learning can run on.
package struct Accelerator: Sendable, Hashable, Codable {
    package var address: String
    package var name: String
    package var kind: AcceleratorClass
    package var driver: String?
    package var vendorID: Int
    package var deviceID: Int

    enum CodingKeys: String, CodingKey {
        case address, name, driver
        case kind = "class"
        case vendorID = "vendor_id"
        case deviceID = "device_id"
    }

    /// `nil` for a device that is none.
    package init?(_ device: PCIDevice) {
        guard let entry = AcceleratorTable.entry(for: device) else { return nil }
        address = device.address
        kind = entry.kind
        name = device.device.map { "\(device.vendor ?? entry.maker) \($0)" } ?? entry.title(device)
        driver = device.driver
        vendorID = device.vendorID
        deviceID = device.deviceID
    }
}

/// Which PCI devices are accelerators, and of which class.
enum AcceleratorTable {
    struct Entry: Sendable {
        var vendor: Int
        /// The devices; empty: all of the vendor's that have one of `classes`.
        var devices: [Int: String]
        /// PCI classes (base class and subclass) that a device must have where it is not named; empty: any.
        var classes: [Int] = []
        var kind: AcceleratorClass
        var maker: String

        func title(_ device: PCIDevice) -> String {
            "\(maker) \(devices[device.deviceID] ?? "device \(PCIDevice.hex(device.deviceID))")"
        }
    }

    /// PCI Code and ID Assignment Specification: base class 03h display controller, 12h processing accelerator.
    private static let vga = 0x0300
    private static let threeD = 0x0302
    private static let otherDisplay = 0x0380
    private static let processingAccelerator = 0x1200

    /// In order; the first that fits counts. Sources: "pci.ids" is the PCI ID Repository's list (pci-ids.ucw.cz); drivers are
    /// those of the Linux kernel or of the maker, by the file that has the id.
    private static let entries: [Entry] = [
        // GPUs. pci.ids: 10de NVIDIA, 1002 AMD/ATI, 8086 Intel; the class tells a GPU from the maker's other devices.
        Entry(vendor: 0x10de, devices: [:], classes: [vga, threeD], kind: .gpu, maker: "NVIDIA"),
        // AMD Instinct is 0380 (display controller, other) or 1200 (MI300): pci.ids 1002:740f, 1002:74a1.
        Entry(
            vendor: 0x1002, devices: [:], classes: [vga, threeD, otherDisplay, processingAccelerator], kind: .gpu,
            maker: "AMD"),
        // FPGA cards of Intel. pci.ids: 8086:09c4 PAC with Arria 10, 8086:0b2b PAC D5005 with Stratix 10;
        // drivers/fpga/dfl-pci.c: 8086:bcc0, 0xbcc1 integrated, 0xbcce open FPGA stack.
        Entry(
            vendor: 0x8086,
            devices: [
                0x09c4: "PAC with Arria 10 GX FPGA", 0x0b2b: "FPGA PAC D5005 (Stratix 10)",
                0xbcce: "FPGA (Open FPGA Stack)",
            ], kind: .fpga, maker: "Intel"),
        // drivers/accel/ivpu/ivpu_drv.h: PCI_DEVICE_ID_MTL, _ARL, _LNL, _PTL_P, _WCL.
        Entry(
            vendor: 0x8086,
            devices: [
                0x7d1d: "NPU (Meteor Lake)", 0xad1d: "NPU (Arrow Lake)", 0x643e: "NPU (Lunar Lake)",
                0xb03e: "NPU (Panther Lake)", 0xfd3e: "NPU (Wildcat Lake)",
            ], kind: .npu, maker: "Intel"),
        // pci.ids: 8086:4511 and 8086:464f, Gaussian & Neural Accelerator.
        Entry(
            vendor: 0x8086,
            devices: [
                0x4511: "Gaussian and Neural Accelerator (Elkhart Lake)",
                0x464f: "Gaussian & Neural Accelerator (12th Gen Core)",
            ], kind: .npu, maker: "Intel"),
        Entry(vendor: 0x8086, devices: [:], classes: [vga, threeD, otherDisplay], kind: .gpu, maker: "Intel"),
        // drivers/accel/amdxdna/amdxdna_pci_drv.c: 1022:1502 (npu1), 1022:17f0 (npu2 to npu6).
        Entry(
            vendor: 0x1022, devices: [0x1502: "XDNA NPU (Phoenix)", 0x17f0: "XDNA 2 NPU (Strix)"], kind: .npu, maker: "AMD"),
        // pci.ids: 10ee Xilinx; Alveo cards 5000 U200, 5004 and 5005 U250, 500c U280, 5020 U50, 505c U55C, golden images
        // d000, d004, d00c, d020; 7038 FPGA card. Any other Xilinx device is an FPGA's own design: it counts where its class
        // says accelerator.
        Entry(
            vendor: 0x10ee,
            devices: [
                0x5000: "Alveo U200", 0x5004: "Alveo U250", 0x5005: "Alveo U250", 0x500c: "Alveo U280", 0x5020: "Alveo U50",
                0x505c: "Alveo U55C", 0xd000: "Alveo U200 (golden image)", 0xd004: "Alveo U250 (golden image)",
                0xd00c: "Alveo U280 (golden image)", 0xd020: "Alveo U50 (golden image)", 0x7038: "FPGA card XC7VX690T",
            ], kind: .fpga, maker: "AMD/Xilinx"),
        Entry(vendor: 0x10ee, devices: [:], classes: [processingAccelerator], kind: .fpga, maker: "AMD/Xilinx"),
        // pci.ids: 1172 Altera; 00a7 Stratix V, 0530 Stratix IV.
        Entry(vendor: 0x1172, devices: [0x00a7: "Stratix V", 0x0530: "Stratix IV"], kind: .fpga, maker: "Intel/Altera"),
        Entry(vendor: 0x1172, devices: [:], classes: [processingAccelerator], kind: .fpga, maker: "Intel/Altera"),
        // JAX, jax/_src/hardware_utils.py, _TPU_PCI_DEVICE_IDS: 1ae0:0027 v2 and v3, 005e v4, 0062 v5p, 0063 v5e, 006f v6e.
        Entry(
            vendor: 0x1ae0,
            devices: [
                0x0027: "TPU v2/v3", 0x005e: "TPU v4", 0x0062: "TPU v5p", 0x0063: "TPU v5e", 0x006f: "TPU v6e",
            ], kind: .tpu, maker: "Google"),
        // pci.ids: 1ac1:089a Coral Edge TPU, 1ae0:abcd Pixel Neural Core.
        Entry(vendor: 0x1ac1, devices: [0x089a: "Coral Edge TPU"], kind: .tpu, maker: "Google"),
        Entry(vendor: 0x1ae0, devices: [0xabcd: "Edge TPU (Pixel Neural Core)"], kind: .tpu, maker: "Google"),
        // drivers/accel/habanalabs/common/habanalabs_drv.c: PCI_IDS_GAUDI 1000, _SEC 1010, _HL2000M 1001 and 1011, GAUDI2
        // 1020, GAUDI3 1060 (and 1062, 1063 in the maker's driver); pci.ids: 0001 Goya, 0030 Greco.
        Entry(
            vendor: 0x1da3,
            devices: [
                0x0001: "Goya HL-1000", 0x0030: "Greco", 0x1000: "Gaudi HL-2000", 0x1001: "Gaudi HL-2000M",
                0x1010: "Gaudi HL-2000 (secured)", 0x1011: "Gaudi HL-2000M (secured)", 0x1020: "Gaudi2", 0x1021: "Gaudi2 HL-288",
                0x1060: "Gaudi3", 0x1062: "Gaudi3 (single die)", 0x1063: "Gaudi3 HL-338",
            ], kind: .digitalASIC, maker: "Habana"),
        // Hailo's driver, hailort-drivers/linux/pcie/src/pcie.h; pci.ids has 1e60:2864.
        Entry(
            vendor: 0x1e60, devices: [0x2864: "Hailo-8", 0x45c4: "Hailo-10H", 0x43a2: "Hailo-15L"], kind: .digitalASIC,
            maker: "Hailo"),
        // Tenstorrent's driver, tt-kmd/enumerate.h.
        Entry(
            vendor: 0x1e52, devices: [0xfaca: "Grayskull", 0x401e: "Wormhole", 0xb140: "Blackhole"], kind: .digitalASIC,
            maker: "Tenstorrent"),
        // pci.ids: 1d95:0001 Colossus GC2, 1d95:0002 Colossus GC1; later ones by their maker.
        Entry(
            vendor: 0x1d95, devices: [0x0001: "Colossus GC2 (C2)", 0x0002: "Colossus GC1 (S1)"], kind: .digitalASIC,
            maker: "Graphcore"),
        Entry(vendor: 0x1d95, devices: [:], kind: .digitalASIC, maker: "Graphcore"),
        // drivers/accel/qaic/qaic_drv.c: PCI_DEV_AIC100 0xa100 (vendor 17cb, PCI_VENDOR_ID_QCOM).
        Entry(vendor: 0x17cb, devices: [0xa100: "Cloud AI 100"], kind: .digitalASIC, maker: "Qualcomm"),
        // pci.ids: 1d0f:7064 Inferentia, 7264 Inferentia2, 7164 Trainium.
        Entry(
            vendor: 0x1d0f, devices: [0x7064: "Inferentia", 0x7264: "Inferentia2", 0x7164: "Trainium"],
            kind: .digitalASIC, maker: "AWS"),
        // pci.ids: 1de0:0000 TSP [GroqChip].
        Entry(vendor: 0x1de0, devices: [0x0000: "GroqChip (TSP)"], kind: .digitalASIC, maker: "Groq"),
        // MemryX's driver, mx3_driver_pub, memx_pcie.h: MEMX_PCIE_VENDOR_ID 0x1fe9, MEMX_PCIE_DEVICE_ID 0x0100.
        Entry(vendor: 0x1fe9, devices: [0x0100: "MX3"], kind: .digitalASIC, maker: "MemryX"),
    ]

    static func entry(for device: PCIDevice) -> Entry? {
        for entry in entries where entry.vendor == device.vendorID {
            if entry.devices[device.deviceID] != nil { return entry }
            if entry.devices.isEmpty, entry.classes.isEmpty || entry.classes.contains(device.classID) { return entry }
        }
        // Any other processing accelerator, whoever makes it.
        guard device.classID == processingAccelerator else { return nil }
        return Entry(
            vendor: device.vendorID, devices: [:], kind: .other, maker: device.vendor ?? "vendor \(PCIDevice.hex(device.vendorID))")
    }
}
