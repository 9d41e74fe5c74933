package import Core
package import Recording
package import Reporting

/// A machine with what the record knows of it.
package struct FleetEntry: Sendable, Encodable {
    package var machine: EnrolledMachine
    /// The class of its equipment; `nil` where nothing has come of it, or its inventory does not tell.
    package var equipment: String?
    /// The suite that began there last, of those that have come.
    package var latest: FleetMachine.LatestSuite?
    /// What the suite `control` says of it as it is equipped; none where it has not run.
    package var checks: [ControlCheck]

    /// - steady: as far as its earlier runs can tell.
    package enum Drift: String, Sendable, Hashable {
        case drifts, steady
        /// There are too few runs of the suite `control`.
        case unknown
    }

    package var drift: Drift {
        if checks.contains(where: \.isDrifting) { return .drifts }
        return checks.contains { $0.expected != nil } ? .steady : .unknown
    }

    private enum CodingKeys: String, CodingKey {
        case equipment = "class"
        case latest = "latest_suite"
        case drift, drifting
    }

    private enum SuiteKeys: String, CodingKey {
        case uuid, suite, status
        case startedAt = "started_at_unix_s"
    }

    /// All is beside what the collector itself knows of the machine.
    package func encode(to encoder: any Encoder) throws {
        try machine.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(equipment, forKey: .equipment)
        try container.encode(drift.rawValue, forKey: .drift)
        let drifting = checks.filter(\.isDrifting)
        if !drifting.isEmpty { try container.encode(drifting, forKey: .drifting) }
        guard let latest else { return }
        var suite = container.nestedContainer(keyedBy: SuiteKeys.self, forKey: .latest)
        try suite.encode(latest.uuid, forKey: .uuid)
        try suite.encode(latest.suite, forKey: .suite)
        try suite.encode(latest.status, forKey: .status)
        try suite.encode(latest.startedAt, forKey: .startedAt)
    }

    /// - Parameters:
    ///   - machines: as the collector knows them.
    ///   - fleet: as the record knows them.
    ///   - checks: of all machines of the record.
    package static func all(
        _ machines: [EnrolledMachine], _ fleet: [FleetMachine], _ checks: [ControlCheck]
    ) -> [FleetEntry] {
        let members = FleetMembers(fleet)
        let byFingerprint = Dictionary(grouping: checks, by: \.machineFingerprint)
        return machines.map { machine in
            let known = members.latest(of: machine)
            return FleetEntry(
                machine: machine, equipment: known.flatMap(members.equipment),
                latest: known?.latest, checks: known.flatMap { byFingerprint[$0.fingerprint] } ?? [])
        }
    }

    /// The same, asked of a record.
    ///
    /// - Parameter record: `nil` where there is none yet.
    package static func all(
        _ machines: [EnrolledMachine], in record: (any RecordReader)?
    ) async throws(StoreError) -> [FleetEntry] {
        guard let record else { return all(machines, [], []) }
        return all(machines, try await record.fleet(), try await ControlHistory.checks(record))
    }
}

extension [FleetEntry] {
    /// For people.
    package var table: TextTable {
        var table = TextTable([
            ("machine", .left), ("class", .left), ("latest suite", .left), ("drift", .left), ("heard", .left),
            ("last bundle", .left), ("to send", .right), ("oldest", .left), ("clock", .right), ("version", .left),
        ])
        for entry in self { table.add(entry.cells) }
        return table
    }
}

extension FleetEntry {
    fileprivate var cells: [String] {
        let none = FigureText.none
        return [
            machine.name + (machine.revokedAt == nil ? "" : " (revoked)"),
            equipment.map(PrintableText.oneLine) ?? none,
            latest.map { "\(LocalTime.text($0.startedAt)) \(PrintableText.oneLine($0.suite)), \($0.status)" } ?? none,
            drift == .unknown ? none : drift.rawValue,
            machine.lastSeenAt.map(LocalTime.text) ?? "never",
            machine.lastBundleAt.map(LocalTime.text) ?? "never",
            machine.waiting.map(String.init) ?? none,
            machine.oldestSeconds.map(DurationText.figure) ?? none,
            machine.clockSkew.map { "\(FigureText.fixed($0, 1)) s" } ?? none, machine.version ?? none,
        ]
    }
}
