import Accounting
import Core
import Metering

/// The unit that a device gives its figure in; it decides whether the meter is a gauge of power or a counter of energy.
enum MeterUnit: String, Sendable, Hashable, CaseIterable {
    case milliwatt = "mW"
    case watt = "W"
    case kilowatt = "kW"
    case megawatt = "MW"
    case joule = "J"
    case kilojoule = "kJ"
    case megajoule = "MJ"
    case gigajoule = "GJ"
    case milliwattHour = "mWh"
    case wattHour = "Wh"
    case kilowattHour = "kWh"
    case megawattHour = "MWh"
    case gigawattHour = "GWh"
    case calorie = "cal"
    case kilocalorie = "kcal"
    case megacalorie = "Mcal"
    case gigacalorie = "Gcal"

    /// All of them as a user writes them; the case counts, for a mW is no MW.
    static let list = allCases.map(\.rawValue).joined(separator: ", ")

    var kind: MeterKind {
        switch self {
        case .milliwatt, .watt, .kilowatt, .megawatt: .gauge
        default: .counter
        }
    }

    /// Microwatts or microjoules in one of the unit.
    var micros: Double {
        switch self {
        case .milliwatt: 1e3
        case .watt, .joule: 1e6
        case .kilowatt, .kilojoule: 1e9
        case .megawatt, .megajoule: 1e12
        case .gigajoule: 1e15
        case .milliwattHour: 3.6e6
        case .wattHour: 3.6e9
        case .kilowattHour: 3.6e12
        case .megawattHour: 3.6e15
        case .gigawattHour: 3.6e18
        // The thermochemical one, as Home Assistant has it: 4.184 J.
        case .calorie: 4.184e6
        case .kilocalorie: 4.184e9
        case .megacalorie: 4.184e12
        case .gigacalorie: 4.184e15
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
    /// The power in watts that the device has beside an energy; where that cannot be, the energy is none either.
    var power: Double?
    /// Whether an energy grows and shrinks with the sign of the power, so that one who turns the power turns it too.
    var isPowersIntegral = true
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
