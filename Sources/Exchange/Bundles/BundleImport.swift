import Core
import Foundation
package import Recording

/// A bundle that stood its verification, and is in no record yet. What was unpacked of it goes with the value.
package struct CheckedBundle: Sendable {
    let bundle: UnpackedBundle
    /// Warnings may be in it; failures are not.
    package let verification: Verification

    /// In hexadecimal, of the file.
    package var sha256: String { bundle.sha256 }

    /// - Parameters:
    ///   - name: of the file as the user gave it, where it is not read from there.
    ///   - version: of this program.
    /// - Throws: `BundleError` for what is no bundle, or fails its verification.
    package init(_ file: String, named name: String? = nil, version: String) async throws {
        bundle = try await UnpackedBundle(file, named: name)
        if let altered = bundle.altered.first {
            throw BundleError(
                "\(bundle.file): \(altered) does not match the manifest; it was altered or damaged, and nothing is imported",
                cause: .rule(.sums))
        }
        verification = try await BundleVerifier.verify(bundle, version: version)
        if let failed = verification.allFindings.first(where: { $0.outcome == .failed }) {
            throw BundleError(
                "\(bundle.file) fails `taskwatt verify` (\(failed.rule.rawValue): \(failed.detail)); nothing is "
                    + "imported", cause: .rule(failed.rule))
        }
    }
}

/// Brings a bundle into a record.
package struct BundleImport {
    /// What an import did.
    package struct Outcome: Sendable, Hashable, Codable {
        package var file: String
        /// UUIDs of the suites that are new to the record.
        package var imported: [String]
        /// UUIDs of those that it had already; they are left as they are.
        package var known: [String]
        package var runs: Int
        package var samples: Int
        /// The machines of the bundle, by their names in it.
        package var machines: [String]
    }

    private let writer: any RecordWriter
    private let version: String

    /// - Parameter version: of this program, which checks the bundle.
    package init(_ writer: any RecordWriter, version: String) {
        self.writer = writer
        self.version = version
    }

    /// Imports one file, in one transaction, once it was verified: a figure that does not follow from its samples would be
    /// in the record with nothing to tell it from one that does.
    ///
    /// - Parameters:
    ///   - name: of the file as the user gave it, where it is not read from there.
    ///   - time: seconds since 1970.
    /// - Throws: `BundleError`, `StoreError`; the record is then as it was.
    package func run(_ file: String, named name: String? = nil, at time: Double) async throws -> Outcome {
        try await bring(try await CheckedBundle(file, named: name, version: version), at: time)
    }

    /// Imports a bundle that was verified before, in one transaction.
    ///
    /// - Throws: `BundleError`, `StoreError`; the record is then as it was.
    package func bring(_ checked: CheckedBundle, at time: Double) async throws -> Outcome {
        let bundle = checked.bundle
        let label = ImportedFile(source: .taskwatt, name: bundle.file, sha256: bundle.sha256, importedAt: time)
        var outcome = Outcome(file: bundle.file, imported: [], known: [], runs: 0, samples: 0, machines: [])
        var machines: Set<String> = []
        try await writer.importing(label) { writer in
            for uuid in bundle.manifest.suites {
                let suite = try bundle.suite(uuid)
                if machines.insert(suite.machine.name).inserted { outcome.machines.append(suite.machine.name) }
                let runs = try bundle.runs(uuid)
                guard try writer.begin(start(suite, of: bundle), uuid: uuid) else {
                    outcome.known.append(uuid)
                    continue
                }
                var samples = try bundle.samples(uuid)
                for (index, run) in runs.enumerated() {
                    try Task.checkCancellation()
                    try writer.record(run, suiteRun: uuid) { keep in
                        outcome.samples += try samples.of(index + 1) { sample in
                            try keep(sample)
                            return nil
                        }
                    }
                    outcome.runs += 1
                }
                try samples.checkEnd(runs: runs.count)
                try writer.end(
                    uuid, status: suite.status, error: suite.error, at: suite.endedAt ?? suite.startedAt)
                outcome.imported.append(uuid)
            }
        }
        return outcome
    }

    private func start(_ suite: BundledSuite, of bundle: UnpackedBundle) throws -> SuiteStart {
        let inventory = try bundle.json(.inventory, of: suite.uuid)
        guard MachineFingerprint.of(machineName: suite.machine.name, inventory: inventory) == suite.machine.fingerprint
        else {
            throw BundleError(
                "\(bundle.place(.suite, of: suite.uuid)): the machine's fingerprint is not that of its name and inventory"
            )
        }
        return SuiteStart(
            suite: suite.suite, suiteText: try bundle.required(.suiteText, of: suite.uuid),
            options: try bundle.json(.options, of: suite.uuid), machineName: suite.machine.name, inventory: inventory,
            machineState: try bundle.json(.state, of: suite.uuid),
            meters: try bundle.meters(suite.uuid), version: suite.version,
            startedAt: suite.startedAt, source: .taskwatt,
            preflight: try bundle.preflight(of: suite.uuid), label: suite.label)
    }
}
