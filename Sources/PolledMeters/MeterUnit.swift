import Core
import Metering

/// The unit that a device gives its figure in; it decides whether the meter is a gauge of power or a counter of energy.
enum MeterUnit: String, Sendable, Hashable, CaseIterable {
    case milliwatt = "mW"
    case watt = "W"
    case kilowatt = "kW"
    case joule = "J"
    case kilojoule = "kJ"
    case milliwattHour = "mWh"
    case wattHour = "Wh"
    case kilowattHour = "kWh"

    /// All of them as a user writes them.
    static let list = allCases.map(\.rawValue).joined(separator: ", ")

    var kind: MeterKind {
        switch self {
        case .milliwatt, .watt, .kilowatt: .gauge
        case .joule, .kilojoule, .milliwattHour, .wattHour, .kilowattHour: .counter
        }
    }

    /// Microwatts or microjoules in one of the unit.
    var micros: Double {
        switch self {
        case .milliwatt: 1e3
        case .watt, .joule: 1e6
        case .kilowatt, .kilojoule: 1e9
        case .milliwattHour: 3.6e6
        case .wattHour: 3.6e9
        case .kilowattHour: 3.6e12
        }
    }

    /// - Parameter value: a finite number of the unit.
    func reading(_ value: Double) -> Reading {
        let micros = Int64(saturating: value * micros)
        return kind == .gauge ? .gauge(microwatts: micros) : .counter(microjoules: micros)
    }
}

/// What a plug is asked for.
enum Quantity: String, Sendable, CaseIterable {
    case power
    case energy
}

/// A figure as a device gives it.
struct DeviceValue: Sendable, Hashable {
    var number: Double
    var unit: MeterUnit
    /// The smallest step of the number, in its unit.
    var step: Double
    /// When the device made the figure, in seconds since 1970, where it tells.
    var timestamp: Double?

    init(_ number: Double, _ unit: MeterUnit, step: Double, timestamp: Double? = nil) {
        self.number = number
        self.unit = unit
        self.step = step
        self.timestamp = timestamp
    }

    /// The step of a number from the decimals that it is printed with; nine at most, for what follows is the noise of
    /// binary fractions.
    static func step(ofPrinted text: String) -> Double {
        guard let dot = text.firstIndex(of: "."), !text.lowercased().contains("e") else { return 1 }
        let decimals = text[dot...].dropFirst().prefix { $0.isNumber }.count
        return decimals > 9 ? 1e-9 : pow10(-decimals)
    }

    private static func pow10(_ exponent: Int) -> Double { Double("1e\(exponent)") ?? 1 }
}
