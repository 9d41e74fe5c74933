import CoverageBench
import Testing

/// A short form of Tests/Benchmarks/coverage: the table's intervals against a truth that is known, by the real sampler, account and
/// statistics on an injected clock. The draws are the same in every run.
@Suite struct CoverageTests {
    @Test(arguments: CoverageCell.few) func theIntervalHoldsWhatItPromises(_ cell: CoverageCell) throws {
        let result = try #require(CoverageResult(cell, draws: 300, seed: 16))
        #expect(result.problem == nil, "\(cell.name): \(result.coverage), width \(result.width)")
        #expect(result.draws == 300)
    }
}
