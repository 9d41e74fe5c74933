/// How much CO2 equivalent a kilowatt-hour of electricity stands for.
package struct CarbonIntensity: Sendable, Hashable, Codable {
    /// ISO 3166-1 alpha-2, such as `DE`; `nil` where the user gave the figure.
    package var zone: String?
    package var name: String?
    /// g CO2e per kWh.
    package var gramsPerKilowattHour: Double
    package var year: Int?
    package var source: String

    enum CodingKeys: String, CodingKey {
        case zone, name, year, source
        case gramsPerKilowattHour = "g_co2e_per_kwh"
    }

    /// What a user says it is.
    package init(gramsPerKilowattHour: Double) {
        self.gramsPerKilowattHour = gramsPerKilowattHour
        source = "given on the command line"
    }

    private init(_ zone: String, _ name: String, _ grams: Double, _ year: Int) {
        self.zone = zone
        self.name = name
        gramsPerKilowattHour = grams
        self.year = year
        source = Self.energyMix
    }

    /// The zone's figure, by its code in any case; `nil` of one that is not in the table.
    package static func of(zone: String) -> CarbonIntensity? { zones.first { $0.zone == zone.uppercased() } }

    /// The file that every figure was read in.
    private static let energyMix = "CodeCarbon 3.3.2 (MIT licence), data/private_infra/global_energy_mix.json"

    /// Yearly means; the hour and the contract may differ from them by a factor of several.
    package static let zones: [CarbonIntensity] = [
        CarbonIntensity("AT", "Austria", 110.812, 2023),
        CarbonIntensity("AU", "Australia", 548.692, 2023),
        CarbonIntensity("BE", "Belgium", 138.107, 2023),
        CarbonIntensity("BR", "Brazil", 98.348, 2023),
        CarbonIntensity("CA", "Canada", 170.043, 2023),
        CarbonIntensity("CH", "Switzerland", 34.843, 2023),
        CarbonIntensity("CN", "China", 582.317, 2023),
        CarbonIntensity("DE", "Germany", 380.95, 2023),
        CarbonIntensity("DK", "Denmark", 151.65, 2023),
        CarbonIntensity("ES", "Spain", 174.05, 2023),
        CarbonIntensity("FI", "Finland", 79.158, 2023),
        CarbonIntensity("FR", "France", 56.039, 2023),
        CarbonIntensity("GB", "United Kingdom", 237.589, 2023),
        CarbonIntensity("IE", "Ireland", 290.805, 2023),
        CarbonIntensity("IN", "India", 713.441, 2023),
        CarbonIntensity("IS", "Iceland", 27.68, 2022),
        CarbonIntensity("IT", "Italy", 330.718, 2023),
        CarbonIntensity("JP", "Japan", 485.392, 2023),
        CarbonIntensity("KR", "South Korea", 430.567, 2023),
        CarbonIntensity("NL", "Netherlands", 267.622, 2023),
        CarbonIntensity("NO", "Norway", 30.08, 2023),
        CarbonIntensity("PL", "Poland", 661.926, 2023),
        CarbonIntensity("SE", "Sweden", 40.695, 2023),
        CarbonIntensity("SG", "Singapore", 470.783, 2023),
        CarbonIntensity("US", "United States", 369.473, 2023),
        CarbonIntensity("ZA", "South Africa", 707.686, 2023),
    ]
}
