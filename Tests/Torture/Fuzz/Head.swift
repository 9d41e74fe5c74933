import Core
import HTTPTypes

#if !LIBFUZZER
@testable import Listening
@testable import Service
#endif

private let names = [
    HostNames(ListenAddress(host: "127.0.0.1", port: 9120), machine: "lab7"),
    HostNames(
        ListenAddress(host: "192.0.2.7", port: 9120), others: ["energy.example.org"], machine: "lab7.example.org"),
]
private let token = try? AccessToken("0123456789abcdef0123456789abcdef", file: "token")

/// The head of a request, cut as HTTP/1.1 is, by everything of ours that looks at one: whom it asks, whose page asks, with which token, and
/// what it has already.
func fuzzHead(_ input: UnsafeRawBufferPointer) {
    var lines = input.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }[...]
    let first = (lines.popFirst() ?? "").split(separator: " ")
    var head = HTTPRequest(
        method: first.first.flatMap { HTTPRequest.Method(String($0)) } ?? .get, scheme: "http", authority: nil,
        path: first.count > 1 ? String(first[1]) : "/")
    for line in lines {
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let name = HTTPField.Name(String(parts[0])) else { continue }
        var value = parts[1].drop { $0 == " " || $0 == "\t" }
        while value.last?.isWhitespace == true { value.removeLast() }
        if name.canonicalName == "host" {
            head.authority = String(value)
        } else {
            head.headerFields.append(HTTPField(name: name, value: String(value)))
        }
    }
    let isForeign = head.isForeign
    _ = head.wantsPage
    // Whoever says nothing of a site and nothing of an origin is no browser that another site could use.
    if head.headerFields.allSatisfy({ !["sec-fetch-site", "origin"].contains($0.name.canonicalName) }) {
        precondition(!isForeign)
    }
    // What came last is in nobody's hands but the daemon's.
    precondition(head.knows("W/\"tag-of-nobody\"") == false || head.headerFields[.ifNoneMatch] != nil)
    if let authority = head.authority {
        for name in names { _ = name.answers(to: authority) }
        if let address = try? ListenAddress(authority) {
            precondition((0...65_535).contains(address.port))
            precondition((try? ListenAddress(address.description)) == address, "\(address)")
        }
    }
    if let sent = head.headerFields[.authorization], token?.matches(sent) == true {
        precondition(sent.lowercased().hasPrefix("bearer ") && sent.hasSuffix("0123456789abcdef0123456789abcdef"))
    }
}
