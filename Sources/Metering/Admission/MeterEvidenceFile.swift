import Host

/// What was learnt of this machine's meters, `meters.json` in the state directory: by their ids, whoever learnt it.
package struct MeterEvidenceFile: Sendable, Hashable {
    /// A meter that stands still is noted again after so long, in seconds; what changes a verdict at once.
    private static let spacing = 300.0

    private let file: StateFile
    package var path: String { file.path }

    package init(directory: String) { file = StateFile("meters.json", in: directory) }

    /// What is known; nothing where there is no such file, or none that can be read: then it is learnt again.
    package func read() -> [String: MeterEvidence] {
        (try? file.read([String: MeterEvidence].self, remedy: "remove it")) ?? [:]
    }

    /// Adds what a session has seen. A file that cannot be written loses nothing but the next look's time.
    package func add(_ seen: [String: MeterEvidence], at wallTime: Double) {
        let known = read()
        keep(
            known.merging(seen) { $0.adding($1) }, insteadOf: known, at: wallTime)
    }

    /// Keeps what is known now, where it says anything new.
    package func keep(_ all: [String: MeterEvidence], insteadOf known: [String: MeterEvidence], at wallTime: Double) {
        let isNew = all.contains { id, evidence in
            guard let before = known[id] else { return true }
            return before.source != evidence.source || before.hasChanged != evidence.hasChanged
                || before.value != evidence.value || before.isStill != evidence.isStill
                || before.isDead(at: wallTime) != evidence.isDead(at: wallTime)
                || (evidence.value != nil && evidence.lastSeen - before.lastSeen >= Self.spacing)
        }
        guard isNew else { return }
        try? file.write(all)
    }
}
