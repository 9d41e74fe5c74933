/// An error as a user sees it, on a terminal, in a log, on the page or in an answer of the API: what kind it is, what is wrong, and what
/// to do about it.
///
/// The exit status (`taskwatt`) and the status of HTTP (`Service`) are functions of the kind, each in one place. An error that nobody
/// has to tell apart is thrown as one of these; one that callers catch has a type of its own, which says by `UserFacingError`, beside
/// its declaration, how a user sees it.
package struct UserError: Error, Sendable, Hashable, Codable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// What was asked for is wrong in itself, or names something that there is not among what can be chosen from.
        case usage
        /// A name of something in the record, the queue or the like, and nothing there is called so.
        case unknownName = "unknown-name"
        /// What was asked for is not in the record, the queue or the like.
        case notFound = "not-found"
        /// Whoever asks may not have it.
        case notAllowed = "not-allowed"
        /// The request is right and may be carried out, but not now: something else is under way, or too much is asked for at once.
        case busy
        /// The request is right, and this machine or its daemon lacks what it needs.
        case unavailable
        /// What was kept is not whole.
        case damaged
        /// It was ended before its end.
        case interrupted
        /// The request is right and could not be carried out.
        case failed

        /// Of a later version's kind it is known that something failed.
        package init(from decoder: any Decoder) throws {
            self = Kind(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .failed
        }
    }

    package var kind: Kind
    /// What is wrong: one line that names the thing first, without a full stop.
    package var message: String
    /// What the user can do about it, likewise; `nil` where nothing is known to help.
    package var remedy: String?

    /// - Parameters:
    ///   - message: of which line breaks and control characters are taken out, for it may quote what comes from outside.
    ///   - remedy: likewise.
    package init(_ kind: Kind, _ message: String, remedy: String? = nil) {
        self.kind = kind
        self.message = PrintableText.oneLine(message)
        self.remedy = remedy.map(PrintableText.oneLine)
    }

    /// How a user sees an error of any type.
    package init(_ error: any Error) {
        switch error {
        case let error as any UserFacingError: self = error.userError
        case is CancellationError: self.init(.interrupted, "interrupted")
        default: self.init(.failed, "\(error)")
        }
    }

    /// What was named and is not there: unknown suite `quik`; did you mean `quick`? (known: quick, standard)
    ///
    /// - Parameters:
    ///   - what: the kind of thing, such as `suite`.
    ///   - name: from outside.
    ///   - place: where it was looked for, such as `of the plugin openai`; empty where that is clear.
    ///   - known: all that there is.
    ///   - more: what else may be given, after those that are known.
    package static func unknown(
        _ what: String, _ name: String, _ place: String = "", known: [String], more: String? = nil, kind: Kind = .usage
    ) -> UserError {
        notAmong(
            known, name, "unknown \(what) `\(name)`\(place.isEmpty ? "" : " \(place)")", more: more, kind: kind)
    }

    /// The same with a sentence of its own.
    package static func notAmong(
        _ known: [String], _ name: String, _ message: String, more: String? = nil, kind: Kind = .usage
    ) -> UserError {
        let list = known.isEmpty ? "none" : known.joined(separator: ", ")
        let all = "(known: \(list)\(more.map { "; \($0)" } ?? ""))"
        guard let near = known.closest(to: name) else { return UserError(kind, "\(message) \(all)") }
        return UserError(kind, message, remedy: "did you mean `\(near)`? \(all)")
    }

    /// The same error with the place before it, such as a file's line.
    package func at(_ place: String) -> UserError { UserError(kind, "\(place): \(message)", remedy: remedy) }

    /// In one line, with the remedy.
    package var description: String { remedy.map { "\(message); \($0)" } ?? message }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(Kind.self, forKey: .kind), try container.decode(String.self, forKey: .message),
            remedy: try container.decodeIfPresent(String.self, forKey: .remedy))
    }
}

/// An error with a type of its own, for those who catch it, that a user may see.
package protocol UserFacingError: Error, CustomStringConvertible {
    var userError: UserError { get }
}

extension UserFacingError {
    package var description: String { userError.description }
}

extension UserError: UserFacingError {
    package var userError: UserError { self }
}
