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
}

/// libsensors; sensors(3). It is not safe to use from several threads, so each call goes through one lock.
package enum Sensors {
    private static let lock = Mutex(false)

    /// Every chip with its features and present values. On a machine without any, empty.
    package static func chips() -> [SensorChip] {
        lock.withLock { isReady in
            if isReady { sensors_cleanup() }
            isReady = sensors_init(nil) == 0
            guard isReady else { return [] }
            var chips: [SensorChip] = []
            var number: Int32 = 0
            while let chip = sensors_get_detected_chips(nil, &number) { chips.append(read(chip)) }
            return chips
        }
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
