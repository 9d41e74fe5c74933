import Core
import Foundation
import Recording

/// Checks a bundle with nothing but the bundle: its sums, and every figure of the table against the raw samples.
package enum BundleVerifier {
    /// - Parameter version: of this program, whose table it is that the bundle's is compared with.
    /// - Throws: `BundleError` for what is no bundle, or cannot be read as one.
    package static func verify(_ file: String, version: String) async throws -> Verification {
        try await verify(try await UnpackedBundle(file), version: version)
    }

    static func verify(_ bundle: UnpackedBundle, version: String) async throws -> Verification {
        let manifest = bundle.manifest
        var verification = Verification(
            file: bundle.file, version: manifest.version, createdBy: manifest.createdBy,
            isRedacted: manifest.isRedacted,
            sha256: bundle.sha256, findings: [], suites: [])
        for path in bundle.altered {
            verification.findings.append(
                .failed(.sums, "\(path) is not what the manifest says: it was altered or damaged"))
        }
        let isSameVersion = manifest.createdBy == BundleManifest.creator(version)
        var runs = 0
        for uuid in manifest.suites {
            let suite = try await suite(uuid, of: bundle, isSameVersion: isSameVersion)
            runs += suite.runs.count
            guard runs <= bundle.bounds.runs else {
                throw BundleError(
                    "\(bundle.file): its suites have more than \(bundle.bounds.runs) runs", remedy: "split it")
            }
            verification.suites.append(suite)
        }
        return verification
    }

    private static func suite(
        _ uuid: String, of bundle: UnpackedBundle, isSameVersion: Bool
    ) async throws -> Verification.Suite {
        let suite = try bundle.suite(uuid)
        var texts: [VerificationFinding] = []
        let runs = try bundle.runs(uuid) { line, run, number in
            if isSameVersion, let finding = try RecordText.finding(line, of: run, number: number) {
                texts.append(finding)
            }
        }
        let meters = try bundle.meters(uuid)
        let table = try bundle.document(BundledTable.self, .table, of: uuid)
        let inventory = try bundle.json(.inventory, of: uuid)
        let software = try bundle.document(BundledSoftware.self, .software, of: uuid)
        for file in [BundleFormat.File.options, .state] { _ = try bundle.json(file, of: uuid) }
        _ = try bundle.preflight(of: uuid)
        var samples = try bundle.samples(uuid)
        var result = Verification.Suite(
            uuid: uuid, suite: suite.suite, machine: suite.machine.name,
            machineFingerprint: suite.machine.fingerprint, startedAt: suite.startedAt, runs: [], rows: [], findings: [])
        if MachineFingerprint.of(machineName: suite.machine.name, inventory: inventory) != suite.machine.fingerprint {
            result.findings.append(
                .failed(.figures, "the machine's fingerprint is not that of its name and inventory"))
        }
        if isSameVersion, software != BundledSoftware(taskwatt: suite.version, runs) {
            result.findings.append(
                .failed(.figures, "software.json names other programs, models or sums than the runs"))
        }
        result.findings += texts
        result.findings += SequenceCheck.findings(runs, status: suite.status, isSameVersion: isSameVersion)
        let idle = IdleWindows(runs)
        let descriptions = Dictionary(grouping: meters, by: \.id)
        let spool = try bundle.spool()
        var recomputed: [RunRecord] = []
        var doubt = 0.0
        for (index, run) in runs.enumerated() {
            try Task.checkCancellation()
            var own = RunSamples(of: run, spool)
            // What failed is in no table, and its samples are of no energy.
            try samples.of(index + 1) { run.status == .completed ? own.append($0) : nil }
            let check = RunCheck(run, number: index + 1, descriptions: descriptions, samples: own, idle: idle)
            if let failure = spool.failure { throw failure }
            result.runs.append(check.result)
            recomputed.append(check.recomputed)
            if run.stage == .query { doubt = max(doubt, check.relativeDoubt) }
        }
        try samples.checkEnd(runs: runs.count)
        let (rows, findings) = TableCheck.check(
            table, against: try await BundledTable.make(of: suite, runs: recomputed), doubt: doubt,
            isSameVersion: isSameVersion)
        result.rows = rows
        result.findings += findings
        if runs.contains(where: { $0.flags.contains(.idleDrift) }) || idle.hasDrifted {
            result.findings.append(
                .warned(.idleDrift, "the idle power after the runs is not that of before; net figures are doubtful"))
        }
        return result
    }
}

/// The idle windows of a suite, by which the net figures are checked.
struct IdleWindows {
    let before: RunRecord?
    /// Whether the power after is another than before.
    let hasDrifted: Bool

    init(_ runs: [RunRecord]) {
        let idle = runs.filter { [.idle, .idleAfter].contains($0.stage) && $0.status == .completed }
        before = idle.first { $0.stage == .idle }
        let after = idle.last { $0.stage == .idleAfter }?.idle
        hasDrifted = before?.idle.flatMap { first in after?.differs(from: first) } ?? false
    }
}

/// The table of the bundle against the one that the recomputed energies make.
enum TableCheck {
    /// - Parameters:
    ///   - doubt: the largest share of a run's energy that its samples leave open.
    ///   - isSameVersion: whether this program made the bundle; another version's table may have its rows otherwise.
    static func check(
        _ recorded: BundledTable, against recomputed: BundledTable, doubt: Double, isSameVersion: Bool
    ) -> (rows: [Verification.Row], findings: [VerificationFinding]) {
        // Net is a difference, and its doubt is that of what is taken from what.
        let scales = Dictionary(recomputed.gross.map { ($0.name, abs($0.mean)) }, uniquingKeysWith: max)
        let gross = check(recorded.gross, recomputed.gross, isNet: false, scales, doubt, isSameVersion)
        let net = check(recorded.net, recomputed.net, isNet: true, scales, doubt, isSameVersion)
        return (gross.rows + net.rows, gross.findings + net.findings)
    }

    private static func check(
        _ recorded: [BundledTable.Row], _ recomputed: [BundledTable.Row], isNet: Bool,
        _ scales: [[String]: Double], _ doubt: Double, _ isSameVersion: Bool
    ) -> (rows: [Verification.Row], findings: [VerificationFinding]) {
        let kind = isNet ? "net" : "gross"
        let known = Dictionary(recorded.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var findings: [VerificationFinding] = []
        if known.count != recorded.count {
            findings.append(.failed(.table, "the table (\(kind)) has a row twice"))
        }
        let made = Set(recomputed.map(\.name))
        for row in recorded where !made.contains(row.name) {
            let text = "\(row.task.rawValue) (\(kind)) is in the table, and no run of the bundle makes it"
            findings.append(isSameVersion ? .failed(.table, text) : .warned(.table, "\(text) in this version's table"))
        }
        let rows = recomputed.map { row -> Verification.Row in
            let old = known[row.name]
            let label = "\(row.task.rawValue) (\(kind))"
            if let old {
                let scale = max(abs(row.mean), abs(old.mean), scales[row.name] ?? 0)
                let allowed = (1e-6 + doubt) * scale * (isNet ? 2 : 1) + 1e-18
                func differ(_ what: String, _ a: Double?, _ b: Double?, times: Double = 1, isSameRule: Bool = true) {
                    if let a, let b, abs(a - b) <= allowed * times { return }
                    if a == nil, b == nil { return }
                    let text = [a, b].map { $0.map { FigureText.short($0, digits: 6) } ?? "none" }
                    let found = "\(label): \(what) is \(text[0]) kWh in the table and \(text[1]) by the samples"
                    findings.append(
                        isSameRule ? .failed(.table, found) : .warned(.table, "\(found), as this version makes it"))
                }
                if old.n != row.n {
                    findings.append(.failed(.table, "\(label): n is \(old.n) in the table, and \(row.n) runs make it"))
                }
                differ("mean", old.mean, row.mean)
                differ("std", old.std, row.std)
                // How it is made of the runs has changed from version to version.
                // Of two runs it is 12.7 times their spread, and so is what rounding to microjoules makes of it.
                differ("the 95 % interval", old.uncertainty, row.uncertainty, times: 13, isSameRule: isSameVersion)
            } else {
                let text = "\(label) is missing in the table"
                findings.append(isSameVersion ? .failed(.table, text) : .warned(.table, "\(text) of another version"))
            }
            return Verification.Row(
                isNet: isNet, task: row.task, models: row.models, n: row.n, recordedMean: old?.mean,
                recomputedMean: row.mean, recordedStd: old?.std, recomputedStd: row.std,
                recordedUncertainty: old?.uncertainty, recomputedUncertainty: row.uncertainty)
        }
        return (rows, findings)
    }
}
