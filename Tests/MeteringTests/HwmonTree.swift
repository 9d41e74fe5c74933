import Accounting
import Core
import Host
import Metering
import Sensors
import TestSupport

/// Chips of hwmon in a tree as the kernel makes it, and as libsensors tells them.
struct HwmonTree {
    let directory: TemporaryDirectory
    private(set) var sensors: [SensorChip] = []
    private var count = 0

    init() throws { directory = try TemporaryDirectory() }

    /// Adds a chip.
    ///
    /// - Parameters:
    ///   - device: the directory of the device behind it under `/sys/devices`; `nil` for a chip of none.
    ///   - bus: the device's subsystem.
    ///   - isOld: whether the files are the device's, as of drivers that give the class device no name.
    ///   - files: beside `name`, such as `power1_input`.
    ///   - number: of hwmon; the next one if not given.
    @discardableResult
    mutating func add(
        _ driver: String, as name: String, device: String?, bus: String? = nil, isOld: Bool = false,
        _ files: [String: String], number: Int? = nil
    ) throws -> SensorChip {
        let number = number ?? count
        count += 1
        let parent = "/sys/devices/\(device ?? "virtual")"
        let chip = "\(parent)/hwmon/hwmon\(number)"
        let path = isOld ? parent : chip
        for (file, text) in files.merging(["name": driver], uniquingKeysWith: { $1 }) {
            try directory.write("\(path)/\(file)", "\(text)\n")
        }
        try directory.directory(chip)
        if device != nil {
            try directory.link("\(chip)/device", to: "../..")
            if let bus, !directory.host.isDangling("\(parent)/subsystem") {
                try? directory.link("\(parent)/subsystem", to: "/sys/bus/\(bus)")
            }
        }
        let up = "../../.."
        try directory.link("/sys/class/hwmon/hwmon\(number)", to: "\(up)\(chip)")
        let shown = "/sys/class/hwmon/hwmon\(number)\(isOld ? "/device" : "")"
        let told = SensorChip(
            name: name, driver: driver, path: shown, features: Self.features(files))
        sensors.append(told)
        return told
    }

    private static func features(_ files: [String: String]) -> [SensorChip.Feature] {
        let values = files.keys.filter { $0.hasSuffix("_input") || $0.contains("_average") }.sorted()
        return Dictionary(grouping: values) { String($0.prefix { $0 != "_" }) }.sorted { $0.key < $1.key }.map {
            name, values in
            let kinds: [(String, SensorChip.Kind)] = [
                ("power", .power), ("energy", .energy), ("curr", .current), ("in", .voltage),
            ]
            return SensorChip.Feature(
                name: name, label: files["\(name)_label"] ?? name,
                kind: kinds.first { name.hasPrefix($0.0) }?.1 ?? .other,
                values: values.map { file in
                    let scale = name.hasPrefix("in") || name.hasPrefix("curr") || file.hasSuffix("interval") ? 1e3 : 1e6
                    return SensorChip.Value(name: file, value: files[file].flatMap(Double.init).map { $0 / scale })
                })
        }
    }

    var listings: [MeterListing] {
        HwmonMeter.listings(of: HwmonChip.named(sensors, directory.host), directory.host)
    }

    /// The readings in watts or joules by id.
    var readings: [String: Double] {
        Dictionary(
            listings.map { listing in
                let value: Double
                switch listing.open().read() {
                case .gauge(let microwatts): value = Double(microwatts) / 1e6
                case .counter(let microjoules): value = Double(microjoules) / 1e6
                default: value = .nan
                }
                return (listing.description.id, value)
            }
        ) { $0 + $1 }
    }
}
