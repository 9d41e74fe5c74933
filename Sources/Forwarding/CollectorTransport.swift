import Core
package import Fetching
import Foundation
package import Recording

/// Where a collector is, and who this machine is to it.
package struct CollectorAddress: Sendable, Hashable {
    /// `https://collector.example:9121`, without a path that ends with a slash.
    package var url: String
    package var tls: HTTPCall.TLS

    package init(url: String, tls: HTTPCall.TLS = .init()) {
        self.url = url
        self.tls = tls
    }
}

/// The header fields by which a machine tells of itself; a collector shows them, and takes no measurement by them.
package enum AgentField {
    /// The clock of the machine, in seconds since 1970, by which the collector knows how wrong it is.
    package static let time = "Taskwatt-Time"
    /// How many suites wait, this one included, and for how many seconds the oldest has.
    package static let waiting = "Taskwatt-Waiting"
    package static let oldest = "Taskwatt-Oldest-Seconds"
    package static let version = "Taskwatt-Version"
    /// Where Prometheus finds its metrics: a `MetricsAddress`.
    package static let metrics = "Taskwatt-Metrics"
}

/// Sends bundles to a collector: `POST /v1/bundles`.
package struct CollectorTransport: BundleTransport {
    /// A body of so many bytes is in memory, so that a kept connection that turns out to be closed costs nothing.
    private static let smallBytes: Int64 = 4 << 20
    /// The slowest network that is waited for, in bytes a second.
    private static let slowest: Int64 = 10_240
    private static let longestAnswer = 64 << 10

    private let client: HTTPClient
    private let address: CollectorAddress
    private let version: String
    private let metrics: String?
    private let token: (@Sendable () throws -> String)?
    private let wallTime: @Sendable () -> Double
    package let isRedacted: Bool

    /// - Parameters:
    ///   - token: reads this machine's, each time that it is needed; `nil` where its certificate tells who it is.
    ///   - version: of this program.
    ///   - metrics: where this machine serves its metrics; `nil` where nobody knows.
    ///   - wallTime: seconds since 1970.
    package init(
        _ client: HTTPClient, _ address: CollectorAddress, token: (@Sendable () throws -> String)?, isRedacted: Bool,
        version: String, metrics: String? = nil, wallTime: @escaping @Sendable () -> Double
    ) {
        self.client = client
        self.address = address
        self.token = token
        self.isRedacted = isRedacted
        self.version = version
        self.metrics = metrics
        self.wallTime = wallTime
    }

    package func deliver(_ bundle: PackedBundle, waiting: OutboxSummary) async -> Delivery {
        do {
            let answer = try await client.fetch(try call(bundle, waiting), upTo: Self.longestAnswer)
            return Self.delivery(answer.head, Data(answer.body))
        } catch {
            return .postponed("\(address.url): \(UserError(error))", retryAfter: nil)
        }
    }

    private func call(_ bundle: PackedBundle, _ waiting: OutboxSummary) throws -> HTTPCall {
        var call = HTTPCall(.post, "\(address.url)/v1/bundles")
        call.tls = address.tls
        call.authentication = try token.map { .bearer(try $0()) }
        let now = wallTime()
        call.headers = [
            ("Content-Type", "application/zstd"), ("Content-Digest", try Self.digestField(bundle.sha256)),
            (AgentField.time, "\(now)"), (AgentField.version, version), (AgentField.waiting, "\(waiting.entries)"),
        ]
        if let metrics { call.headers.append((AgentField.metrics, metrics)) }
        if let oldest = waiting.oldestAt {
            call.headers.append((AgentField.oldest, "\(Int(saturating: max(0, now - oldest)))"))
        }
        call.timeout = .seconds(60 + bundle.bytes / Self.slowest)
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: bundle.path))
        if bundle.bytes <= Self.smallBytes {
            defer { try? handle.close() }
            // What was taken is known when it comes again.
            call.mayBeSentAgain = true
            call.body = .bytes(Array(try handle.read(upToCount: Int(Self.smallBytes)) ?? Data()))
        } else {
            // It is closed when the call has gone.
            call.body = .reader(length: bundle.bytes) { most in Array(try handle.read(upToCount: most) ?? Data()) }
        }
        return call
    }

    /// RFC 9530, 2: `sha-256=:…:` in Base64.
    static func digestField(_ hexadecimal: String) throws -> String {
        let digits = Array(hexadecimal.utf8)
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count - digits.count % 2, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
                throw UserError(.failed, "`\(hexadecimal)` is not a SHA-256")
            }
            bytes.append(byte)
        }
        return "sha-256=:\(Data(bytes).base64EncodedString()):"
    }

    /// What an answer means. Only what is about this bundle parks it: what is about the machine, the address or the collector may be mended
    /// there, and nothing that was measured may be lost by it.
    static func delivery(_ head: HTTPHead, _ body: Data) -> Delivery {
        let said = try? JSONDecoder().decode(UserError.self, from: body)
        let reason = said.map { "\($0)" } ?? "the collector answers \(head.status) \(head.reason)"
        switch head.status {
        case 200: return .alreadyThere
        case 201...299: return .taken
        // Wrong in itself; another bundle of the same suite; too large; it fails `taskwatt verify`.
        case 400, 409, 413, 422: return .refused(reason)
        default: return .postponed(reason, retryAfter: head.header("retry-after").flatMap { retryAfter($0) })
        }
    }

    /// RFC 9110, 10.2.3: seconds, or a date, of which the collector makes no use.
    private static func retryAfter(_ text: String) -> Double? { Double(text).flatMap { $0 >= 0 ? $0 : nil } }
}
