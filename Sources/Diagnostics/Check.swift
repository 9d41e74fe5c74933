/// How a check came out. `unknown` is for what cannot be told here, and is neither good nor bad.
package enum Verdict: String, Sendable, Hashable, Codable, CaseIterable {
    case pass, warn, fail, unknown
}

/// One thing about the machine that decides how good a measurement can be.
package struct Check: Sendable, Hashable, Codable {
    /// Stable, such as `scaling-governor`.
    package var id: String
    package var title: String
    package var verdict: Verdict
    /// What is so on this machine; further lines tell of single parts, such as of each meter.
    package var found: String
    /// What would help; a line for each way or part.
    package var remedy: String?

    package init(id: String, title: String, verdict: Verdict, found: String, remedy: String? = nil) {
        self.id = id
        self.title = title
        self.verdict = verdict
        self.found = found
        self.remedy = remedy
    }
}

/// What a check is about; makes its result.
struct CheckSubject {
    let id: String
    let title: String

    init(_ id: String, _ title: String) {
        self.id = id
        self.title = title
    }

    func pass(_ found: String) -> Check { Check(id: id, title: title, verdict: .pass, found: found) }

    func warn(_ found: String, remedy: String?) -> Check {
        Check(id: id, title: title, verdict: .warn, found: found, remedy: remedy)
    }

    func fail(_ found: String, remedy: String?) -> Check {
        Check(id: id, title: title, verdict: .fail, found: found, remedy: remedy)
    }

    func unknown(_ found: String, remedy: String? = nil) -> Check {
        Check(id: id, title: title, verdict: .unknown, found: found, remedy: remedy)
    }
}
