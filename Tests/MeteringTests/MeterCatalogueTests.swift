import Accounting
import Core
import Host
import Metering
import Testing

@Suite struct MeterCatalogueTests {
    private func listings(unreadable: Bool = false) -> [MeterListing] {
        let clock = SimulatedClock()
        var package = SimulatedCounter().listing(clock)
        if unreadable { package.availability = .unavailable(reason: "readable by root alone", remedy: "sudo it") }
        var model = SimulatedCounter(name: "model").listing(clock)
        model.description.provenance = .estimated
        return [package, model]
    }

    @Test func theModelIsLeftOutWhereSomethingMeasures() throws {
        #expect(try MeterCatalogue.select(listings()).map(\.description.name) == ["package-0"])
        #expect(try MeterCatalogue.select(listings(unreadable: true)).map(\.description.name) == ["model"])
    }

    @Test func namedMetersMustExistAndBeReadable() throws {
        #expect(throws: MeteringError.noSuchMeter("nvml/0", available: ["simulated/package-0", "simulated/model"])) {
            try MeterCatalogue.select(listings(), ids: ["nvml/0"])
        }
        let error = #expect(throws: MeteringError.self) {
            try MeterCatalogue.select(listings(unreadable: true), ids: ["simulated/package-0"])
        }
        #expect(error.map { "\($0)" }?.contains("readable by root alone; sudo it") == true)
        #expect(try MeterCatalogue.select(listings(), ids: ["simulated/model"]).count == 1)
    }

    @Test func aMeterNamedTwiceCountsOnce() throws {
        let chosen = try MeterCatalogue.select(listings(), ids: ["simulated/package-0", "simulated/package-0"])
        #expect(chosen.count == 1)
    }

    @Test(arguments: [0, 0.0005, 61, .nan, .infinity]) func anIntervalOutOfRangeIsRefused(seconds: Double) {
        #expect(throws: MeteringError.self) { try MeteringSession(listings: listings(), intervalSeconds: seconds) }
    }
}
