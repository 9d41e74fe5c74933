/// The head of an answer.
package struct HTTPHead: Sendable, Hashable {
    package var status: Int
    /// In the server's words; those of RFC 9110 where it has none. At most 64 characters.
    package var reason: String
    package var headers: [HTTPHeader]

    package var isSuccess: Bool { (200..<300).contains(status) }

    /// The first of a name, whatever its case.
    package func header(_ name: String) -> String? {
        let name = name.lowercased()
        return headers.first { $0.name.lowercased() == name }?.value
    }
}

package struct HTTPHeader: Sendable, Hashable {
    package var name: String
    package var value: String
}

/// An answer whose body comes as it is read. Letting go of it ends the transfer.
package struct HTTPAnswer: Sendable {
    package let head: HTTPHead
    package let body: HTTPBody

    package var status: Int { head.status }
}

/// The bytes of an answer, in pieces as they come. Whoever reads slowly makes the server wait.
package struct HTTPBody: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = HTTPFailure

    private let holder: Holder

    init(_ transfer: Transfer) { holder = Holder(transfer) }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let holder: Holder

        package mutating func next() async throws(HTTPFailure) -> [UInt8]? {
            try await holder.transfer.nextPiece()
        }

        package mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(HTTPFailure) -> [UInt8]? {
            try await holder.transfer.nextPiece()
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(holder: holder) }

    /// All of it.
    ///
    /// - Throws: `HTTPFailure.tooLong` as soon as more than `limit` bytes have come.
    package func collect(upTo limit: Int) async throws(HTTPFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await holder.transfer.nextPiece() {
            guard bytes.count + piece.count <= limit else {
                holder.transfer.cancel()
                throw .tooLong
            }
            if bytes.isEmpty { bytes = piece } else { bytes += piece }
        }
        return bytes
    }

    /// Ends the transfer with the last that could read it.
    fileprivate final class Holder: Sendable {
        let transfer: Transfer

        init(_ transfer: Transfer) { self.transfer = transfer }
        deinit { transfer.cancel() }
    }
}

/// Reads a head line by line, as libcurl gives it: those of interim answers (RFC 9110, 15.2), of a request for digest
/// authentication and the trailers come the same way.
struct HeadParser {
    /// No server has more to say before it answers.
    static let longest = 100 << 10

    private(set) var status = 0
    private var reason = ""
    private var headers: [HTTPHeader] = []
    private var length = 0
    private(set) var isComplete = false

    enum Step { case more, complete, tooLong }

    mutating func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Step {
        let line = String(decoding: bytes, as: UTF8.self).trimmingSuffix { $0.isNewline }
        if line.hasPrefix("HTTP/") {
            self = HeadParser()
            let parts = line.split(separator: " ", maxSplits: 2)
            status = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
            reason = parts.count > 2 ? String(parts[2].prefix(64).filter { !$0.isNewline }) : ""
        }
        length += bytes.count
        guard length <= Self.longest else { return .tooLong }
        if isComplete { return .more }
        if line.isEmpty {
            isComplete = true
            return .complete
        }
        if let colon = line.firstIndex(of: ":"), !line.hasPrefix("HTTP/") {
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append(
                HTTPHeader(
                    name: String(line[..<colon]), value: String(value.trimmingSuffix { $0 == " " || $0 == "\t" })))
        }
        return .more
    }

    var head: HTTPHead {
        HTTPHead(status: status, reason: reason.isEmpty ? Self.reasons[status] ?? "" : reason, headers: headers)
    }

    /// RFC 9110, section 15: those that a server without words is likely to mean.
    private static let reasons = [
        200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found",
        307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
        403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 413: "Content Too Large",
        422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
        503: "Service Unavailable", 504: "Gateway Timeout",
    ]
}

extension StringProtocol {
    /// Without the characters at its end for which `isCut` is true.
    fileprivate func trimmingSuffix(_ isCut: (Character) -> Bool) -> SubSequence {
        var end = endIndex
        while end > startIndex, isCut(self[index(before: end)]) { end = index(before: end) }
        return self[startIndex..<end]
    }
}
