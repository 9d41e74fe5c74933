import HTTPTypes

// What a request's head alone says, without a server: the fuzzer of `Tests/Torture` builds this file as it is.

extension HTTPRequest {
    private static let site = HTTPField.Name("Sec-Fetch-Site")
    private static let mode = HTTPField.Name("Sec-Fetch-Mode")

    /// Whether a page of another site has a browser ask; see `BrowserGuard`.
    var isForeign: Bool {
        let isReading = method == .get || method == .head
        guard let site = Self.site.flatMap({ headerFields[$0] }) else {
            guard let origin = headerFields[.origin] else { return false }
            // A page of nowhere, such as a file or a frame without rights, is `null`.
            return origin.split(separator: "/").last.map(String.init) != authority
        }
        switch site {
        // Whoever typed the address or followed a bookmark; the daemon's own page.
        case "none", "same-origin": return false
        // Of the same site too, which is another port of this machine, and may be anybody's. A link that somebody followed shows him the
        // answer, and nobody else.
        default: return !(isReading && Self.mode.flatMap({ headerFields[$0] }) == "navigate")
        }
    }

    /// Whether whoever asks has the answer of this tag already (`If-None-Match`; RFC 9110, 13.1.2): a list, or `*`; compared weakly.
    package func knows(_ tag: String) -> Bool {
        guard let header = headerFields[.ifNoneMatch] else { return false }
        return header.split(separator: ",").contains { one in
            let one = one.trimmingPrefix(while: \.isWhitespace)
            return one == "*" || one.prefix(tag.count) == tag
        }
    }

    /// Whether a page is what is asked for. Programs ask for JSON, or for anything.
    package var wantsPage: Bool {
        headerFields[.accept]?.split(separator: ",").contains { kind in
            kind.split(separator: ";").first.map { $0.trimmingPrefix(while: \.isWhitespace) } == "text/html"
        } ?? false
    }
}
