/// The classes of accelerators, as the surveys of the field tell them apart.
package enum AcceleratorClass: String, Sendable, Hashable, Codable, CaseIterable {
    case gpu, fpga, tpu, npu
    case digitalASIC = "digital-asic"
    /// Computes in the analog domain, at least in part. None of those that are sold has an id in a public list (Mythic's, EnCharge's and
    /// AIStorm's are in neither pci.ids nor usb.ids as of 2026-07), so none is found by one yet.
    case mixedSignalASIC = "mixed-signal-asic"
    case other
}

/// A device that machine learning can run on.
package struct Accelerator: Sendable, Hashable, Codable {
    /// Of PCI (`0000:03:00.0`) or of USB (`usb:1-2`).
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

    /// `nil` for a device that is none.
    package init?(_ device: USBDevice) {
        guard let entry = AcceleratorTable.entry(for: device), let model = entry.devices[device.productID] else {
            return nil
        }
        address = "usb:\(device.port)"
        kind = entry.kind
        name = "\(entry.maker) \(model)"
        driver = device.driver
        vendorID = device.vendorID
        deviceID = device.productID
    }

    /// Whether it can be unplugged: a reboot or a firmware that is loaded may change its ids, and another port its address.
    package var isRemovable: Bool { address.hasPrefix("usb:") }

    /// The accelerators among the devices of a machine, each once.
    ///
    /// A card may show itself as several functions: an Alveo card has one to manage and one to use, old integrated
    /// graphics have a second head, and SR-IOV adds virtual functions. The first function stands for the card.
    package static func all(of devices: [PCIDevice]) -> [Accelerator] {
        var seen: Set<[String]> = []
        return devices.sorted { $0.address < $1.address }.compactMap { device in
            guard device.physicalFunction == nil, let accelerator = Accelerator(device) else { return nil }
            let slot = String(device.address.prefix { $0 != "." })
            return seen.insert([slot, String(device.vendorID), accelerator.kind.rawValue]).inserted ? accelerator : nil
        }
    }
}

/// Which devices of PCI and USB are accelerators, and of which class.
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

    /// In order; the first that fits counts. Sources: "pci.ids" is the PCI ID Repository's list (pci-ids.ucw.cz);
    /// drivers are those of the Linux kernel or of the maker, by the file that has the id.
    private static let entries: [Entry] = [
        // GPUs. pci.ids: 10de NVIDIA, 1002 AMD/ATI, 8086 Intel; the class tells a GPU from the maker's other devices:
        // sound (0403), USB (0c03), NVSwitch (0680, pci.ids 10de:1af1), QAT (0b40), DSA and IAA (0880).
        Entry(vendor: 0x10de, devices: [:], classes: [vga, threeD], kind: .gpu, maker: "NVIDIA"),
        // AMD Instinct is 0380 (MI210, 1002:740f) or 1200 (MI300X, 1002:74a1): jaypipes/ghw issue 383.
        Entry(
            vendor: 0x1002, devices: [:], classes: [vga, threeD, otherDisplay, processingAccelerator], kind: .gpu,
            maker: "AMD"),
        // FPGA cards of Intel: drivers/fpga/dfl-pci.c, with the virtual functions, which are all that a virtual machine
        // sees. bcbd to bcc1 are the FPGAs in a Xeon's package.
        Entry(
            vendor: 0x8086,
            devices: [
                0x09c4: "PAC with Arria 10 GX FPGA", 0x09c5: "PAC with Arria 10 GX FPGA (virtual function)",
                0x0b2b: "FPGA PAC D5005 (Stratix 10)", 0x0b2c: "FPGA PAC D5005 (virtual function)",
                0x0b30: "FPGA PAC N3000",
                0xbcbd: "integrated FPGA", 0xbcbf: "integrated FPGA (virtual function)", 0xbcc0: "integrated FPGA",
                0xbcc1: "integrated FPGA (virtual function)", 0xbcce: "FPGA (Open FPGA Stack)",
                0xbccf: "FPGA (Open FPGA Stack, virtual function)",
            ], kind: .fpga, maker: "Intel"),
        // drivers/accel/ivpu/ivpu_drv.h: PCI_DEVICE_ID_MTL, _ARL, _LNL, _PTL_P, _WCL.
        Entry(
            vendor: 0x8086,
            devices: [
                0x7d1d: "NPU (Meteor Lake)", 0xad1d: "NPU (Arrow Lake)", 0x643e: "NPU (Lunar Lake)",
                0xb03e: "NPU (Panther Lake)", 0xfd3e: "NPU (Wildcat Lake)",
            ], kind: .npu, maker: "Intel"),
        // pci.ids: 8086:4511, 464f, 467e, 4e11, 774c, 7e4c, 8a11, 9a11, a74f and ae4c, Gaussian & Neural Accelerator or GNA Scoring
        // Accelerator. (The Gaussian Mixture Model unit before it, 1911, is not for neural networks.)
        Entry(
            vendor: 0x8086,
            devices: [
                0x4511: "Gaussian & Neural Accelerator (Elkhart Lake)",
                0x464f: "Gaussian & Neural Accelerator (12th Gen Core)",
                0x467e: "Gaussian & Neural Accelerator", 0x4e11: "Gaussian & Neural Accelerator",
                0x774c: "Gaussian & Neural Accelerator (Core Ultra 200)",
                0x7e4c: "Gaussian & Neural Accelerator (Meteor Lake)",
                0xae4c: "Gaussian & Neural Accelerator (Core Ultra 200)",
                0x8a11: "Gaussian & Neural Accelerator", 0x9a11: "Gaussian & Neural Accelerator",
                0xa74f: "Gaussian & Neural Accelerator",
            ], kind: .npu, maker: "Intel"),
        // Data Center GPUs (Flex, Max) are 0380, integrated graphics and Arc are 0300.
        Entry(vendor: 0x8086, devices: [:], classes: [vga, threeD, otherDisplay], kind: .gpu, maker: "Intel"),
        // drivers/accel/amdxdna/amdxdna_pci_drv.c: 1022:1502 (npu1), 1022:17f0 (npu2 to npu6). Their class is 1180,
        // signal processing controller.
        Entry(
            vendor: 0x1022, devices: [0x1502: "XDNA NPU (Phoenix)", 0x17f0: "XDNA 2 NPU (Strix)"], kind: .npu,
            maker: "AMD"),
        // pci.ids: 10ee Xilinx; Alveo cards 5000 U200, 5004 and 5005 U250, 500c U280, 5020 U50, 505c U55C, golden
        // images d000, d004, d00c, d020; 7038 FPGA card. XRT, xocl/devices.h: each card has a second function
        // to use it by, 5001, 5005, 500d, 5021, 505d, and 5059 U55N, 5061 U50LV. Any other Xilinx device is an FPGA's
        // own design: it counts where its class says accelerator.
        Entry(
            vendor: 0x10ee,
            devices: [
                0x5000: "Alveo U200", 0x5001: "Alveo U200", 0x5004: "Alveo U250", 0x5005: "Alveo U250",
                0x500c: "Alveo U280",
                0x500d: "Alveo U280", 0x5020: "Alveo U50", 0x5021: "Alveo U50", 0x5058: "Alveo U55N",
                0x5059: "Alveo U55N",
                0x505c: "Alveo U55C", 0x505d: "Alveo U55C", 0x5060: "Alveo U50LV", 0x5061: "Alveo U50LV",
                0xd000: "Alveo U200 (golden image)", 0xd004: "Alveo U250 (golden image)",
                0xd00c: "Alveo U280 (golden image)",
                0xd020: "Alveo U50 (golden image)", 0x7038: "FPGA card XC7VX690T",
            ], kind: .fpga, maker: "AMD/Xilinx"),
        Entry(vendor: 0x10ee, devices: [:], classes: [processingAccelerator], kind: .fpga, maker: "AMD/Xilinx"),
        // XRT, xocl/devices.h: 1d0f:1042, f000 and f010, the FPGAs of AWS F1; aws-fpga's documents have f000.
        Entry(
            vendor: 0x1d0f, devices: [0x1042: "F1 FPGA", 0xf000: "F1 FPGA", 0xf010: "F1 FPGA"], kind: .fpga,
            maker: "AWS"),
        // pci.ids: 1172 Altera; 00a7 Stratix V, 0530 Stratix IV.
        Entry(
            vendor: 0x1172, devices: [0x00a7: "Stratix V", 0x0530: "Stratix IV"], kind: .fpga, maker: "Intel/Altera"),
        Entry(vendor: 0x1172, devices: [:], classes: [processingAccelerator], kind: .fpga, maker: "Intel/Altera"),
        // pci.ids: 1b59 Achronix.
        Entry(
            vendor: 0x1b59,
            devices: [0x0010: "VectorPath S7t-VG6", 0x0012: "VectorPath VP815", 0x0013: "VectorPath VP708"],
            kind: .fpga, maker: "Achronix"),
        // JAX, jax/_src/hardware_utils.py, _TPU_PCI_DEVICE_IDS; 0056 has no public name. Named one by one: 1ae0:0042 is
        // a network interface and 1ae0:001f a disk (pci.ids).
        Entry(
            vendor: 0x1ae0,
            devices: [
                0x0027: "TPU v2/v3", 0x0056: "TPU", 0x005e: "TPU v4", 0x0062: "TPU v5p", 0x0063: "TPU v5e",
                0x006f: "TPU v6e",
                0x0076: "TPU7x",
            ], kind: .tpu, maker: "Google"),
        // pci.ids: 1ac1:089a Coral Edge TPU (class 0880), 1ae0:abcd Pixel Neural Core.
        Entry(vendor: 0x1ac1, devices: [0x089a: "Coral Edge TPU"], kind: .tpu, maker: "Google"),
        Entry(vendor: 0x1ae0, devices: [0xabcd: "Edge TPU (Pixel Neural Core)"], kind: .tpu, maker: "Google"),
        // drivers/accel/habanalabs/common/habanalabs_drv.c: PCI_IDS_GOYA 0001, GAUDI 1000, GAUDI_SEC 1010, GAUDI2 1020.
        // The maker's own habanalabs_drv.c: GRECO 0020, GRECO_ADDIN 0030, GAUDI_HL2000M 1001 and _SEC 1011,
        // GAUDI2_HL_288 1021, GAUDI3 1060, GAUDI3_SINGLE_DIE 1062, GAUDI3_HL_338 1063.
        Entry(
            vendor: 0x1da3,
            devices: [
                0x0001: "Goya HL-1000", 0x0020: "Greco", 0x0030: "Greco", 0x1000: "Gaudi HL-2000",
                0x1001: "Gaudi HL-2000M",
                0x1010: "Gaudi HL-2000 (secured)", 0x1011: "Gaudi HL-2000M (secured)", 0x1020: "Gaudi2",
                0x1021: "Gaudi2 HL-288",
                0x1060: "Gaudi3", 0x1062: "Gaudi3 (single die)", 0x1063: "Gaudi3 HL-338",
            ], kind: .digitalASIC, maker: "Habana"),
        // Hailo's driver, common/pcie_common.h: PCI_DEVICE_ID_HAILO_HAILO8, _HAILO10H, _HAILO15L, _MARS. Class 0b40,
        // co-processor.
        Entry(
            vendor: 0x1e60,
            devices: [0x2864: "Hailo-8", 0x45c4: "Hailo-10H", 0x43a2: "Hailo-15L", 0x26a2: "Mars"],
            kind: .digitalASIC, maker: "Hailo"),
        // Tenstorrent's driver, tt-kmd/enumerate.h.
        Entry(
            vendor: 0x1e52, devices: [0xfaca: "Grayskull", 0x401e: "Wormhole", 0xb140: "Blackhole"], kind: .digitalASIC,
            maker: "Tenstorrent"),
        // pci.ids: 1d95:0001 Colossus GC2, 1d95:0002 Colossus GC1. No public list has later ones; the maker has no
        // others.
        Entry(
            vendor: 0x1d95, devices: [0x0001: "Colossus GC2 (C2)", 0x0002: "Colossus GC1 (S1)"], kind: .digitalASIC,
            maker: "Graphcore"),
        Entry(vendor: 0x1d95, devices: [:], kind: .digitalASIC, maker: "Graphcore"),
        // drivers/accel/qaic/qaic_drv.c: PCI_DEVICE_ID_QCOM_AIC080, _AIC100, _AIC200. Vendor 17cb has Wi-Fi too.
        Entry(
            vendor: 0x17cb, devices: [0xa080: "Cloud AI 80", 0xa100: "Cloud AI 100", 0xa110: "Cloud AI 200"],
            kind: .digitalASIC, maker: "Qualcomm"),
        // The Neuron driver's neuron_device.h: INF1_DEVICE_ID0 to 3, TRN1, INF2, TRN2, TRN3_DEVICE_ID0 and 1. Other
        // devices of 1d0f are network interfaces, disks and screens.
        Entry(
            vendor: 0x1d0f,
            devices: [
                0x7064: "Inferentia", 0x7065: "Inferentia", 0x7066: "Inferentia", 0x7067: "Inferentia",
                0x7164: "Trainium",
                0x7264: "Inferentia2", 0x7364: "Trainium2", 0x7564: "Trainium3", 0x7565: "Trainium3",
            ], kind: .digitalASIC, maker: "AWS"),
        // pci.ids: 1de0:0000 TSP [GroqChip].
        Entry(vendor: 0x1de0, devices: [0x0000: "GroqChip (TSP)"], kind: .digitalASIC, maker: "Groq"),
        // MemryX's driver, mx3_driver_pub, memx_pcie.h: MEMX_PCIE_VENDOR_ID 0x1fe9, MEMX_PCIE_DEVICE_ID 0x0100.
        Entry(vendor: 0x1fe9, devices: [0x0100: "MX3"], kind: .digitalASIC, maker: "MemryX"),
        // pci.ids: AI accelerators and network processors by their names there.
        Entry(vendor: 0x1d22, devices: [0x3684: "Kunlun", 0x3685: "Kunlun2"], kind: .digitalASIC, maker: "Baidu"),
        Entry(
            vendor: 0x1e67, devices: [0x0002: "runAI200", 0x0004: "speedAI240"], kind: .digitalASIC,
            maker: "Untether AI"),
        Entry(vendor: 0x1e7c, devices: [0xbca1: "AKD1000 (Akida)"], kind: .npu, maker: "BrainChip"),
        Entry(vendor: 0x22b8, devices: [0x22a0: "InferX X1"], kind: .digitalASIC, maker: "Flex Logix"),
        Entry(
            vendor: 0x1f9d, devices: [0x0001: "Europa", 0x1100: "Metis", 0x11aa: "Metis"], kind: .digitalASIC,
            maker: "Axelera AI"),
        // 1f82:00f1 is a network interface.
        Entry(vendor: 0x1f82, devices: [0x0011: "Corsair"], kind: .digitalASIC, maker: "d-Matrix"),
        // 1ff4:2001 is the card's video unit.
        Entry(
            vendor: 0x1ff4,
            devices: [
                0x0100: "M1", 0x0101: "H1 (M1)", 0x0102: "H1 V-NPU (M1)", 0x0110: "M1M", 0x0111: "H1M (M1M)",
                0x0112: "H1M V-NPU (M1M)",
            ], kind: .npu, maker: "DEEPX"),
        Entry(
            vendor: 0x1ed2,
            devices: [0x0000: "Warboy", 0x0001: "RNGD", 0x0002: "RNGD-Plus", 0x2222: "RNGD-S"], kind: .npu,
            maker: "FuriosaAI"),
        // Each with its virtual function, which is all that a virtual machine sees.
        Entry(
            vendor: 0x1eff,
            devices: [
                0x1020: "RBLN-CA2", 0x1021: "RBLN-CA2 (virtual function)", 0x1110: "RBLN-CA11",
                0x1111: "RBLN-CA11 (virtual function)", 0x1120: "RBLN-CA12", 0x1121: "RBLN-CA12 (virtual function)",
                0x1210: "RBLN-CA21", 0x1211: "RBLN-CA21 (virtual function)", 0x1220: "RBLN-CA22",
                0x1221: "RBLN-CA22 (virtual function)", 0x1250: "RBLN-CA25", 0x1251: "RBLN-CA25 (virtual function)",
                0x2030: "RBLN-CR03", 0x2031: "RBLN-CR03 (virtual function)", 0x2130: "RBLN-CR13",
                0x2131: "RBLN-CR13 (virtual function)", 0x2230: "RBLN-CR23", 0x2231: "RBLN-CR23 (virtual function)",
            ], kind: .npu, maker: "Rebellions"),
        Entry(
            vendor: 0xcabc, devices: [0x0270: "MLU270-S4", 0x0370: "MLU370-S4"], kind: .digitalASIC, maker: "Cambricon"),
        Entry(
            vendor: 0x1e36,
            devices: [
                0x0001: "CloudBlazer T10", 0x0002: "CloudBlazer T11", 0x0003: "CloudBlazer T10 (QSFP-DD)",
                0x0021: "CloudBlazer T20 (32 GB)", 0x0022: "CloudBlazer T20 (64 GB)",
                0x0023: "CloudBlazer T21 (32 GB)", 0x0024: "CloudBlazer T21 (64 GB)", 0x8001: "CloudBlazer I20",
                0x8011: "CloudBlazer I10", 0x8012: "CloudBlazer I10L", 0x8031: "S6", 0x8032: "S6", 0xc031: "S30",
                0xc032: "S90", 0xc033: "S60G", 0xc035: "S60", 0xc041: "L300", 0xc042: "L600",
            ], kind: .digitalASIC, maker: "Enflame"),
        Entry(vendor: 0x1e38, devices: [0x0102: "Xplorer X1600"], kind: .digitalASIC, maker: "Blaize"),
        Entry(vendor: 0x1f1c, devices: [0x1686: "BM1684X"], kind: .digitalASIC, maker: "Sophgo"),
        Entry(vendor: 0x1e30, devices: [0x1684: "BM1684"], kind: .digitalASIC, maker: "Sophgo"),
        Entry(vendor: 0x1d87, devices: [0x1808: "RK1808 Neural Network Processor Card"], kind: .npu, maker: "Rockchip"),
        Entry(vendor: 0x1014, devices: [0x0314: "ZISC 036"], kind: .digitalASIC, maker: "IBM"),
        Entry(vendor: 0x1ed5, devices: [:], classes: [vga, threeD, otherDisplay], kind: .gpu, maker: "Moore Threads"),
        // No list has these; the scripts of Ascend's driver that collect its logs tell the chips apart by them, and `lspci` of servers with
        // 910B shows d802.
        Entry(
            vendor: 0x19e5,
            devices: [
                0xd100: "Ascend 310", 0xd500: "Ascend 310P", 0xd801: "Ascend 910", 0xd802: "Ascend 910B",
                0xd803: "Ascend 910C",
            ], kind: .npu, maker: "Huawei"),
    ]

    /// Of USB, each device by its own id. "usb.ids" is the list of linux-usb.org.
    private static let usbEntries: [Entry] = [
        // google-coral/libedgetpu, debian/edgetpu-accelerator.rules: 1a6e:089a before its firmware is loaded, 18d1:9302 after.
        Entry(vendor: 0x1a6e, devices: [0x089a: "Coral USB Accelerator"], kind: .tpu, maker: "Google"),
        Entry(vendor: 0x18d1, devices: [0x9302: "Coral USB Accelerator"], kind: .tpu, maker: "Google"),
        // usb.ids: 03e7:2150 and f63b Myriad VPU [Movidius Neural Compute Stick], 2485 Movidius MyriadX; f63b once it is booted.
        Entry(
            vendor: 0x03e7,
            devices: [0x2150: "Movidius Myriad 2", 0x2485: "Movidius Myriad X", 0xf63b: "Movidius Myriad"],
            kind: .npu, maker: "Intel"),
        // kneron_plus, kp_struct.h: kp_product_id_t; the vendor by the udev rules of its documents.
        Entry(
            vendor: 0x3231,
            devices: [
                0x0100: "KL520", 0x0200: "KL720", 0x0720: "KL720", 0x0530: "KL530", 0x0540: "KL540", 0x0630: "KL630",
                0x0732: "KL730", 0x0832: "KL830",
            ], kind: .npu, maker: "Kneron"),
        // usb.ids: 05e3:0769 SPR2801S [Lightspeeur 2801]; the vendor is of a hub's controller.
        Entry(vendor: 0x05e3, devices: [0x0769: "Lightspeeur 2801S"], kind: .digitalASIC, maker: "Gyrfalcon"),
    ]

    static func entry(for device: USBDevice) -> Entry? {
        usbEntries.first { $0.vendor == device.vendorID && $0.devices[device.productID] != nil }
    }

    /// Processing accelerators that do no inference, vendor and device as one number. pci.ids: IBM GenWQE
    /// (compression), Pensando DSC (storage), HiSilicon ZIP, Eideticom eBPF.
    private static let otherWork: Set<Int> = [0x1014_044b, 0x1dd8_1007, 0x19e5_a250, 0x1de5_3000]

    static func entry(for device: PCIDevice) -> Entry? {
        for entry in entries where entry.vendor == device.vendorID {
            if entry.devices[device.deviceID] != nil { return entry }
            if entry.devices.isEmpty, entry.classes.isEmpty || entry.classes.contains(device.classID) { return entry }
        }
        // Any other processing accelerator, whoever makes it.
        guard device.classID == processingAccelerator, !otherWork.contains(device.vendorID << 16 | device.deviceID)
        else {
            return nil
        }
        return Entry(
            vendor: device.vendorID, devices: [:], kind: .other,
            maker: device.vendor ?? "vendor \(PCIDevice.hex(device.vendorID))")
    }
}
