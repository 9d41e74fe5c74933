/// Whether a machine still measures as it did: the latest run of the suite `control` against the machine's own earlier ones.
///
/// Compared are means of sessions, gross, of the same machine as it is equipped, version of Taskwatt, scope, provenance, model, set-up,
/// engine and files. Outside the 99 % prediction interval of eight or more earlier ones the machine drifts: its figures from before and
/// after may not be compared without looking why. Of machines without a change one run in a hundred is outside by chance.
package struct ControlCheck: Sendable, Hashable, Codable {
    package var machine: String
    package var machineFingerprint: String
    package var task: MLTask
    package var model: String
    package var scope: TotalScope
    package var provenance: Provenance
    package var version: String
    /// The latest run, and when it began in seconds since 1970.
    package var suiteRun: String
    package var startedAt: Double
    /// kWh per 1,000 inferences of the latest run, as the next two.
    package var latest: Double
    /// The mean of the earlier runs, and how far from it the next one may lie; `nil` of too few.
    package var expected: Double?
    package var tolerance: Double?
    /// How many earlier runs there are, of the latest hundred.
    package var earlier: Int
    package var isDrifting: Bool

    /// So many earlier runs are compared with at most: a machine that has changed for good is itself again after a while.
    package static let mostEarlier = 100
    /// The suite's name.
    package static let suite = "control"

    /// - Parameters:
    ///   - latest: kWh per 1,000 inferences.
    ///   - earlier: likewise, the latest one last.
    package init(
        machine: String, machineFingerprint: String, task: MLTask, model: String, scope: TotalScope,
        provenance: Provenance, version: String, suiteRun: String, startedAt: Double, latest: Double,
        earlier: [Double]
    ) {
        self.machine = machine
        self.machineFingerprint = machineFingerprint
        self.task = task
        self.model = model
        self.scope = scope
        self.provenance = provenance
        self.version = version
        self.suiteRun = suiteRun
        self.startedAt = startedAt
        self.latest = latest
        let compared = Array(earlier.suffix(Self.mostEarlier))
        self.earlier = compared.count
        let interval = Statistics.predictionInterval(after: compared)
        expected = interval?.mean
        tolerance = interval?.halfWidth
        isDrifting = interval.map { !$0.holds(latest) } ?? false
    }

    /// How far the latest run lies from the mean of the earlier ones, relative; `nil` of too few.
    package var deviation: Double? { expected.flatMap { $0 > 0 ? latest / $0 - 1 : nil } }

    /// In one line: `image-classification, resnet-50 (components): 4.1 % above its 12 earlier runs, within ± 2.3 %: drifts`.
    package var text: String {
        let what = "\(task.rawValue), \(model) (\(scope.rawValue), \(provenance.rawValue))"
        guard let deviation, let expected, let tolerance else {
            return "\(what): \(earlier) of \(Statistics.fewestForPrediction) earlier runs that a comparison needs"
        }
        let side = deviation < 0 ? "below" : "above"
        return "\(what): \(FigureText.percent(abs(deviation), digits: 1)) \(side) its \(earlier) earlier runs, "
            + "\(isDrifting ? "outside" : "within") ± \(FigureText.percent(tolerance / expected, digits: 1))"
    }

    enum CodingKeys: String, CodingKey {
        case machine, task, model, scope, provenance, version, earlier
        case machineFingerprint = "machine_fingerprint"
        case suiteRun = "suite_run"
        case startedAt = "started_at_unix_s"
        case latest = "latest_kwh"
        case expected = "expected_kwh"
        case tolerance = "tolerance_kwh"
        case isDrifting = "drifting"
    }
}
