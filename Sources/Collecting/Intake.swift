import Core
import Exchange
import Foundation
import HTTPTypes
import Listening
package import Logging
package import Recording
import Service
import Synchronization

/// Takes bundles: verifies them, keeps their files, writes their rows, and remembers that it did, in this order. After a crash between any two
/// of these steps the rest is done again, and nothing is there twice.
package final class Intake: Sendable {
    package enum Outcome: String, Sendable, Hashable, Codable {
        case new
        case known
    }

    private let files: BundleFiles
    private let ledger: Ledger
    private let importer: BundleImport
    private let version: String
    private let logger: Logger
    /// The suites, and the bundles, that somebody is just bringing: who comes with one of them has to come again.
    private let claimed = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - record: where the rows go.
    ///   - version: of this program.
    package init(
        files: BundleFiles, ledger: Ledger, record: any RecordWriter, version: String, logger: Logger
    ) {
        self.files = files
        self.ledger = ledger
        self.version = version
        self.logger = logger
        importer = BundleImport(record, version: version)
    }

    /// Takes a bundle that came whole.
    ///
    /// - Parameter hasCertificate: whether the machine came with a certificate, and has told nobody by which pseudonym it goes.
    /// - Throws: `Refusal`, `StoreError`, `UserError`; what is not refused as a bundle may be sent again.
    func take(
        _ file: BundleFiles.Incoming, _ sha256: String, bytes: Int64, of machine: EnrolledMachine,
        hasCertificate: Bool = false, at time: Double
    ) async throws -> Outcome {
        let checked = try await check(file.path, sha256, of: machine, hasCertificate: hasCertificate)
        let suites = checked.verification.suites.map(\.uuid)
        return try await claiming(suites + [sha256]) {
            for uuid in suites {
                if let other = try self.ledger.bundle(ofSuite: uuid), other != sha256 { throw Self.conflict(uuid) }
            }
            if try self.ledger.hasBundle(sha256) { return .known }
            try self.files.place(file, sha256)
            return try await self.bring(checked, suites, bytes: bytes, of: machine.name, at: time)
        }
    }

    /// Takes again what was whole when an earlier process ended, or when the record could not be written.
    ///
    /// - Returns: whether nothing is left.
    package func retake(at time: Double) async -> Bool {
        var isDone = true
        for sha256 in files.waiting() where !claimed.withLock({ $0.contains(sha256) }) {
            do {
                if try ledger.hasBundle(sha256) {
                    try files.settle(sha256)
                    continue
                }
                try await retake(sha256, at: time)
                logger.info("the bundle \(sha256), which was whole when the collector ended, is in the record")
            } catch let refusal as Refusal where refusal.error.kind == .usage {
                files.drop(sha256)
                logger.warning("the bundle \(sha256) is dropped: \(refusal.error)")
            } catch {
                isDone = false
                logger.warning("the bundle \(sha256) is not in the record yet: \(UserError(error))")
            }
        }
        return isDone
    }

    private func retake(_ sha256: String, at time: Double) async throws {
        let path = files.pendingPath(sha256)
        let checked = try await Self.checked(path, "pending/\(sha256)", version: version)
        guard checked.sha256 == sha256 else {
            throw Self.refusal("the bundle is not what its name says; the disk lost a part of it")
        }
        guard let name = checked.verification.suites.first?.machine, let machine = try ledger.machine(bundled: name)
        else { throw Self.refusal("no machine is enrolled that sends such a bundle") }
        try Self.check(checked, of: machine)
        let suites = checked.verification.suites.map(\.uuid)
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber
        _ = try await claiming(suites + [sha256]) {
            try await self.bring(checked, suites, bytes: size?.int64Value ?? 0, of: machine.name, at: time)
        }
    }

    // MARK: Steps

    private func check(
        _ path: String, _ sha256: String, of machine: EnrolledMachine, hasCertificate: Bool
    ) async throws -> CheckedBundle {
        let checked = try await Self.checked(path, "\(machine.name)/\(sha256).tar.zst", version: version)
        try Self.check(checked, of: hasCertificate ? try named(machine, by: checked) : machine)
        return checked
    }

    /// Whoever enrols by a token tells its pseudonym then; of one that comes with a certificate its first redacted bundle tells it. It has
    /// one for good, and none that is another's: what it could take is what nobody has sent under yet.
    private func named(_ machine: EnrolledMachine, by checked: CheckedBundle) throws -> EnrolledMachine {
        let strange = Set(checked.verification.suites.map(\.machine)).subtracting(machine.machines)
        guard strange.count == 1, let name = strange.first, Redaction.isPseudonym(ofMachine: name) else {
            return machine
        }
        return try ledger.adopt(name, for: machine) ?? machine
    }

    private static func checked(_ path: String, _ name: String, version: String) async throws -> CheckedBundle {
        do {
            return try await CheckedBundle(path, named: name, version: version)
        } catch let error as BundleError {
            throw refusal(error)
        }
    }

    /// The machine in a bundle is the one that sends it.
    private static func check(_ checked: CheckedBundle, of machine: EnrolledMachine) throws {
        for suite in checked.verification.suites where !machine.machines.contains(suite.machine) {
            throw refusal(
                "the bundle is of the machine `\(suite.machine.prefix(100))`, and \(machine.name) sends it, which is enrolled as "
                    + machine.machines.map { "`\($0)`" }.joined(separator: " and "),
                remedy:
                    "where its name has changed, enrol it again: `taskwatt collect enroll` here, `taskwatt enroll` there",
                rule: "machine")
        }
    }

    private func bring(
        _ checked: CheckedBundle, _ suites: [String], bytes: Int64, of machine: String, at time: Double
    ) async throws -> Outcome {
        let sha256 = checked.sha256
        do {
            // Once this returns the rows are on the disk.
            _ = try await importer.bring(checked, at: time)
        } catch let error as BundleError where error.cause != .machine {
            files.drop(sha256)
            throw Self.refusal(error)
        }
        let isNew: Bool
        do {
            isNew = try ledger.keep(sha256, suites: suites, bytes: bytes, of: machine, at: time)
        } catch LedgerRefusal.otherBundle(let suite) {
            files.drop(sha256)
            throw Self.conflict(suite)
        }
        try files.settle(sha256)
        return isNew ? .new : .known
    }

    private func claiming<Value>(_ names: [String], _ body: () async throws -> Value) async throws -> Value {
        let isFree = claimed.withLock { claimed in
            guard claimed.isDisjoint(with: names) else { return false }
            claimed.formUnion(names)
            return true
        }
        guard isFree else { throw Refusal.busy("this suite is just being taken", again: 1) }
        defer { claimed.withLock { $0.subtract(names) } }
        return try await body()
    }

    // MARK: Refusals

    static func refusal(_ message: String, remedy: String? = nil, rule: String? = nil) -> Refusal {
        var headers: HTTPFields = [:]
        if let rule, let name = HTTPField.Name(CollectorField.rule) { headers[name] = rule }
        return Refusal(
            UserError(.usage, message, remedy: remedy), status: .unprocessableContent, headers: headers)
    }

    private static func conflict(_ suite: String) -> Refusal {
        Refusal(
            UserError(.usage, "the collector has another bundle of the suite run \(suite)"), status: .conflict)
    }

    private static func refusal(_ error: BundleError) -> Refusal {
        let shown = error.userError
        switch error.cause {
        case .bundle: return refusal(shown.message, remedy: shown.remedy)
        case .rule(let rule): return refusal(shown.message, remedy: shown.remedy, rule: rule.rawValue)
        case .newerFormat:
            return Refusal(
                UserError(
                    .unavailable, shown.message, remedy: "update the collector first; the machine keeps its bundle"),
                status: HTTPResponse.Status(code: 426, reasonPhrase: "Upgrade Required"))
        case .machine:
            return Refusal(
                UserError(.unavailable, "the collector cannot verify bundles now: \(shown.message)"),
                status: .serviceUnavailable, headers: [.retryAfter: "60"])
        }
    }
}

/// Header fields of a collector's answers.
package enum CollectorField {
    /// The rule of `taskwatt verify` that a bundle breaks, or `machine` where it is of another one.
    package static let rule = "Taskwatt-Rule"
}
