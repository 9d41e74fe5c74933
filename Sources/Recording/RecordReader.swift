package import Core

/// What tables, reports, bundles and exports are made of, whoever keeps it: the seam behind which a database stands.
///
/// All is in terms of values. Whoever reads waits for the database where it runs: in the daemon on the threads for heavy answers, at
/// the lowest priority, and never on the threads of its tasks. What a row holds that cannot be is left out and told of, so that nothing
/// in one row keeps the others from being read.
///
/// - Note: `Store` is the one in SQLite. `RecordConformance` in the tests is what every one has to pass.
package protocol RecordReader: Sendable {
    // MARK: Suites

    /// The suites in the record, the latest first.
    ///
    /// - Parameters:
    ///   - label: only those that the user called so; `suite`: of this name; `machine`: on the machine of this name. `nil` is all.
    func suiteRuns(
        label: String?, suite: String?, machine: String?, limit: Int
    ) async throws(StoreError) -> [SuiteRunSummary]

    /// The UUIDs of the suites that a user means by a UUID, the prefix of one in four letters or more, `last`, `last-1` and so on, or `label:` and what the user calls them:
    /// none where there is no such suite, several (ten at most) where a prefix is that of several.
    func suites(named name: String) async throws(StoreError) -> [String]

    /// What is known of a suite, by its whole UUID.
    func suite(_ uuid: String) async throws(StoreError) -> StoredSuite?

    /// The files that records were brought from, in the order of their coming.
    func imports() async throws(StoreError) -> [StoredImport]

    /// A page of them, the latest first.
    ///
    /// - Parameter before: the number of the last one of the page before; `nil` for the first page.
    func imports(before: Int64?, limit: Int) async throws(StoreError) -> [StoredImport]

    // MARK: Windows

    /// One window by its number; `nil` if the record has none of that number.
    func run(_ id: Int64) async throws(StoreError) -> StoredRun?

    /// The least and the greatest number of a window; `nil` of an empty record.
    func runNumbers() async throws(StoreError) -> ClosedRange<Int64>?

    /// A page of the windows that fit, in the order of the record.
    ///
    /// - Parameters:
    ///   - after: the id of the last one of the page before.
    ///   - damaged: is told of windows that are left out because what they hold cannot be.
    func runs(
        _ filter: RunFilter, after: Int64, limit: Int, damaged: (DamagedRow) throws -> Void
    ) async throws(StoreError) -> [StoredRun]

    /// A page of the windows that fit, the latest first.
    ///
    /// - Parameter before: the id of the last one of the page before; `nil` for the first page.
    func latestRuns(_ filter: RunFilter, before: Int64?, limit: Int) async throws(StoreError) -> [StoredRun]

    /// A page of the windows that fit, as columns.
    func runPage(_ filter: RunFilter, after: Int64, limit: Int) async throws(StoreError) -> RunPage

    /// A page of the windows that fit with their records as they are kept, in JSON.
    func recordPage(_ filter: RunFilter, after: Int64, limit: Int) async throws(StoreError) -> RecordPage

    /// Hands each window that fits to `body`, in the order of the record, all from one moment of it. It ends early where its task is
    /// cancelled.
    func eachWindow(
        _ filter: RunFilter, _ body: (MeasuredWindow) -> Void, damaged: (DamagedRow) -> Void
    ) async throws(StoreError)

    /// The sums of the windows that fit, all from one moment of the record; a table is made of them.
    func sums(_ query: SumsQuery) async throws(StoreError) -> SumsAnswer

    /// Hands on the figure of each window that fits and is in a mean, with the number of its group in `sums`, in the order of the
    /// record.
    func eachValue(_ query: SumsQuery, _ body: (GroupedValue) -> Void) async throws(StoreError)

    /// What the meters of a window saw.
    func domains(ofRun id: Int64) async throws(StoreError) -> [DomainEnergy]

    // MARK: Samples

    /// A page of the samples of one window, in the order of the record.
    func samples(ofRun run: Int64, after: Int64, limit: Int) async throws(StoreError) -> [StoredSample]

    /// Hands on the regular samples of one window in the order in which they were taken, one at a time.
    ///
    /// - Parameter body: returns whether it wants more.
    func samples(ofRun id: Int64, _ body: (Sample) -> Bool) async throws(StoreError)

    /// A page of samples, in the order of the record: those of the windows that fit or, without a filter, all.
    func exportedSamples(_ filter: RunFilter, after: Int64, limit: Int) async throws(StoreError) -> [ExportedSample]

    /// The power of every meter over a time, in stretches of one length in seconds.
    func power(from: Double, to: Double, seconds: Int64) async throws(StoreError) -> [PowerBucket]

    // MARK: Machines

    /// The meters that a suite measured with, by their ids.
    func meters(ofSuite uuid: String) async throws(StoreError) -> [MeterDescription]

    /// All that the record says of its meters, by the fingerprints of their machines.
    func meterDescriptions() async throws(StoreError) -> [String: [MeterDescription]]

    /// The machines of the record.
    ///
    /// - Parameter name: only those of this name, or with this prefix of their fingerprints; `nil` is all.
    func machines(_ name: String?) async throws(StoreError) -> [StoredMachine]

    /// The same with the suite that began on each last, in the order of their coming. What it costs does not grow with the suites.
    func fleet() async throws(StoreError) -> [FleetMachine]
}

extension RecordReader {
    /// Hands each window that fits to `body`, in the order of the record, a page at a time; those whose numbers cannot be are left out.
    package func eachRun(_ filter: RunFilter, _ body: (StoredRun) -> Void) async throws(StoreError) {
        var last: Int64 = 0
        while true {
            let page = try await runs(filter, after: last, limit: 500, damaged: { _ in })
            guard let end = page.last else { return }
            for run in page { body(run) }
            last = end.id
        }
    }

    /// The suite that a user means, or several by their names with commas between; `nil` where none fits a name, or several do.
    package func suiteRun(named names: String) async throws(StoreError) -> String? {
        var uuids: [String] = []
        for name in names.split(separator: ",", omittingEmptySubsequences: false) {
            let known = try await suites(named: String(name))
            guard known.count == 1 else { return nil }
            uuids += known
        }
        return uuids.joined(separator: ",")
    }
}

extension Store: RecordReader {}
