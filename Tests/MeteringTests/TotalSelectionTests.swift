import Accounting
import Core
import Metering
import Testing

@Suite struct TotalSelectionTests {
    private func meter(
        _ id: String, _ scope: MeterScope, _ provenance: Provenance = .measured, silicon: String? = nil
    ) -> MeterDescription {
        MeterDescription(
            id: id, name: id, scope: scope, kind: .counter, provenance: provenance, source: "", periodSeconds: 0.001,
            resolution: 1, plausiblePower: Power(watts: 100), silicon: silicon ?? id)
    }

    @Test func componentsAreThePackagesDramAndAcceleratorsAndNothingInsideThem() throws {
        let meters = [
            meter("p0", .package), meter("p1", .package), meter("core", .core), meter("uncore", .uncore),
            meter("d0", .dram),
            meter("gpu", .accelerator), meter("psys", .system), meter("plug", .wall), meter("ina", .rail),
            meter("bat", .battery),
        ]
        let selection = try TotalSelection(meters: meters)
        #expect(selection.scope == .components)
        #expect(selection.members[.components] == ["p0", "p1", "d0", "gpu"])
        #expect(selection.members[.system] == ["psys"])
        #expect(selection.members[.wall] == ["plug"])
    }

    @Test(arguments: MeterScope.allCases) func aMeterIsInTheTotalThatItsScopeNames(scope: MeterScope) throws {
        // Something else makes up each total that this one does not.
        let others: [MeterScope] = [.package, .system, .wall].filter { $0.total != scope.total }
        let members = try TotalSelection(meters: [meter("it", scope)] + others.map { meter($0.rawValue, $0) }).members
        #expect(Set(members.filter { $0.value.contains("it") }.keys) == Set([scope.total].compactMap(\.self)))
        #expect(MeterScope.ofTotals.contains(scope) == (scope.total != nil))
    }

    @Test func aPieceOfSiliconCountsOnceByItsBestMeter() throws {
        let meters = [
            meter("derived", .accelerator, .derived, silicon: "0000:03:00.0"),
            meter("measured", .accelerator, silicon: "0000:03:00.0"),
            meter("again", .accelerator, silicon: "0000:03:00.0"),
        ]
        #expect(try TotalSelection(meters: meters).members[.components] == ["measured"])
    }

    @Test func theSystemThenTheWallStandInWhereThereAreNoComponents() throws {
        #expect(try TotalSelection(meters: [meter("psys", .system), meter("plug", .wall)]).scope == .system)
        #expect(try TotalSelection(meters: [meter("plug", .wall)]).scope == .wall)
    }

    @Test func theModelStandsInOnlyWhereNothingMeasures() throws {
        let model = meter("model", .package, .estimated)
        #expect(try TotalSelection(meters: [model]).members[.components] == ["model"])
        #expect(try TotalSelection(meters: [model, meter("plug", .wall)]).members[.components] == nil)
        #expect(try TotalSelection(meters: [model, meter("p0", .package)]).members[.components] == ["p0"])
    }

    @Test func aScopeThatIsNotThereIsRefusedWithThoseThatAre() {
        #expect(throws: MeteringError.noSuchScope(.wall, available: [.components])) {
            try TotalSelection(meters: [meter("p0", .package)], asked: .wall)
        }
        #expect(throws: MeteringError.noMeters) { try TotalSelection(meters: []) }
        #expect(throws: MeteringError.noMeters) { try TotalSelection(meters: [meter("ina", .rail)]) }
    }

    @Test func theTotalIsAsGoodAsItsWorstPart() throws {
        let meters = [meter("p0", .package), meter("gpu", .accelerator, .derived)]
        let selection = try TotalSelection(meters: meters)
        func domain(_ id: String, _ joules: Double, _ provenance: Provenance, _ coverage: Double) -> DomainEnergy {
            DomainEnergy(
                id: id, name: id, scope: .package, kind: .counter, provenance: provenance,
                energy: Energy(joules: joules),
                uncertainty: Energy(joules: 0.3), accuracyUncertainty: .zero, coverage: coverage, flags: [],
                inTotal: true)
        }
        let total = try #require(
            selection.total(
                of: .components, domains: [domain("p0", 10, .measured, 1), domain("gpu", 5, .derived, 0.9)]))
        #expect(total.energy == Energy(joules: 15))
        #expect(total.provenance == .derived)
        #expect(total.coverage == 0.9)
        // Independent parts add in quadrature: 0.3 · √2.
        #expect(abs(total.uncertainty.joules - 0.3 * 2.0.squareRoot()) < 1e-6)
    }
}
