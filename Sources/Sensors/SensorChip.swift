import CSensors
import Glibc
import Synchronization

/// A sensor chip as libsensors finds it under `/sys/class/hwmon`.
package struct SensorChip: Sendable, Hashable, Codable {
    /// A thing that the chip measures, such as `power1`.
    package struct Feature: Sendable, Hashable, Codable {
        package var name: String
        /// From the chip or from sensors.conf, such as `slowPPT`.
        package var label: String
        package var kind: Kind
        package var values: [Value]

        package init(name: String, label: String, kind: Kind, values: [Value]) {
            self.name = name
            self.label = label
            self.kind = kind
            self.values = values
        }
    }

    package enum Kind: String, Sendable, Hashable, Codable {
        case voltage, fan, temperature, power, energy, current, humidity, other
    }

    /// One file of a feature, such as `power1_average`.
    package struct Value: Sendable, Hashable, Codable {
        package var name: String
        /// In libsensors' units: V, rpm, °C, W, J, A, %; `nil` where it could not be read.
        package var value: Double?
        /// Why it could not be read.
        package var problem: String?

        package init(name: String, value: Double? = nil, problem: String? = nil) {
            self.name = name
            self.value = value
            self.problem = problem
        }
    }

    /// libsensors' name with the bus, such as `amdgpu-pci-0300`.
    package var name: String
    /// The driver's name, such as `amdgpu`.
    package var driver: String
    /// The adapter that it sits on, such as `PCI adapter`.
    package var adapter: String?
    /// Its directory under `/sys/class/hwmon`.
    package var path: String
    package var features: [Feature]

    package init(name: String, driver: String, adapter: String? = nil, path: String, features: [Feature]) {
        self.name = name
        self.driver = driver
        self.adapter = adapter
        self.path = path
        self.features = features
    }
}

/// What libsensors makes of a value of a chip.
package enum SensorReading: Sendable, Hashable {
    /// In libsensors' units: V, rpm, °C, W, J, A, %.
    case value(Double)
    /// It could not be read, or what sensors.conf has it compute cannot be computed.
    case failed
    /// libsensors knows no such chip or no such value.
    case unknown
}

/// libsensors; sensors(3). It is not safe to use from several threads, so each call goes through one lock.
package enum Sensors {
    private struct Library {
        var isReady = false
        /// Counts the times that the chips were looked for: what libsensors said of them before is gone.
        var generation = 0
    }

    private static let library = Mutex(Library())
    /// Another one may look for the chips at the same time; then we begin again, and after so many times take what we have.
    private static let mostAttempts = 5

    /// Every chip with its features and present values. On a machine without any, empty.
    package static func chips() -> [SensorChip] {
        var chips: [SensorChip] = []
        for _ in 0..<mostAttempts {
            let generation = library.withLock { library in
                if library.isReady { sensors_cleanup() }
                library.isReady = sensors_init(nil) == 0
                library.generation += 1
                return library.generation
            }
            chips = []
            var number: Int32 = 0
            // One chip at a time: a slow one must not hold up a sampler that reads another.
            while let chip = next(&number, of: generation) { chips.append(chip) }
            if library.withLock({ $0.generation == generation }) { break }
        }
        return chips
    }

    private static func next(_ number: inout Int32, of generation: Int) -> SensorChip? {
        let position = number
        let (chip, next) = library.withLock { library -> (SensorChip?, Int32) in
            var number = position
            guard library.isReady, library.generation == generation,
                let chip = sensors_get_detected_chips(nil, &number)
            else { return (nil, position) }
            return (read(chip), number)
        }
        number = next
        return chip
    }

    /// A value as `sensors` shows it, with what sensors.conf and sensors.d have computed of it: sensors.conf(5).
    ///
    /// - Parameters:
    ///   - name: of the file, such as `power1_average`.
    ///   - path: of the chip, as `chips` told it.
    package static func value(_ name: String, of path: String) -> SensorReading {
        library.withLock { library in
            guard library.isReady else { return .unknown }
            var number: Int32 = 0
            while let chip = sensors_get_detected_chips(nil, &number) {
                guard let found = chip.pointee.path, strcmp(found, path) == 0 else { continue }
                return value(name, of: chip)
            }
            return .unknown
        }
    }

    private static func value(_ name: String, of chip: UnsafePointer<sensors_chip_name>) -> SensorReading {
        var number: Int32 = 0
        while let feature = sensors_get_features(chip, &number) {
            var sub: Int32 = 0
            while let value = sensors_get_all_subfeatures(chip, feature, &sub) {
                guard strcmp(value.pointee.name, name) == 0 else { continue }
                var result = 0.0
                return sensors_get_value(chip, value.pointee.number, &result) == 0 ? .value(result) : .failed
            }
        }
        return .unknown
    }

    private static func read(_ chip: UnsafePointer<sensors_chip_name>) -> SensorChip {
        var buffer = [CChar](repeating: 0, count: 256)
        let length = sensors_snprintf_chip_name(&buffer, buffer.count, chip)
        let name = length > 0 ? text(buffer) : String(cString: chip.pointee.prefix)
        var bus = chip.pointee.bus
        let adapter = sensors_get_adapter_name(&bus).map { String(cString: $0) }
        var features: [SensorChip.Feature] = []
        var number: Int32 = 0
        while let feature = sensors_get_features(chip, &number) { features.append(read(feature, of: chip)) }
        return SensorChip(
            name: name, driver: String(cString: chip.pointee.prefix), adapter: adapter,
            path: chip.pointee.path.map { String(cString: $0) } ?? "", features: features)
    }

    private static func read(
        _ feature: UnsafePointer<sensors_feature>, of chip: UnsafePointer<sensors_chip_name>
    ) -> SensorChip.Feature {
        let name = String(cString: feature.pointee.name)
        var label = name
        if let found = sensors_get_label(chip, feature) {
            label = String(cString: found)
            free(found)
        }
        var values: [SensorChip.Value] = []
        var number: Int32 = 0
        while let sub = sensors_get_all_subfeatures(chip, feature, &number) {
            var value = SensorChip.Value(name: String(cString: sub.pointee.name), value: nil, problem: nil)
            if sub.pointee.flags & UInt32(SENSORS_MODE_R) == 0 {
                value.problem = "not readable"
            } else {
                var number = 0.0
                let result = sensors_get_value(chip, sub.pointee.number, &number)
                if result == 0 {
                    value.value = number
                } else {
                    value.problem = String(cString: sensors_strerror(result))
                }
            }
            values.append(value)
        }
        return SensorChip.Feature(name: name, label: label, kind: kind(feature.pointee.type), values: values)
    }

    private static func kind(_ type: sensors_feature_type) -> SensorChip.Kind {
        switch type {
        case SENSORS_FEATURE_IN: .voltage
        case SENSORS_FEATURE_FAN: .fan
        case SENSORS_FEATURE_TEMP: .temperature
        case SENSORS_FEATURE_POWER: .power
        case SENSORS_FEATURE_ENERGY: .energy
        case SENSORS_FEATURE_CURR: .current
        case SENSORS_FEATURE_HUMIDITY: .humidity
        default: .other
        }
    }

    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
