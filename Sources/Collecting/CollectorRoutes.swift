import Core
import Digests
import Exchange
import Forwarding
import Foundation
import HTTPTypes
import Host
import Hummingbird
import Listening
import Logging
import NIOCore
import Recording
import Service

/// What a collector takes from one client and from all.
package struct CollectorLimits: Sendable, Hashable {
    /// Bytes of a bundle. One of a hundred windows has 200 KB, one of a day at 10 Hz some 30 MB.
    package var bundleBytes: Int64 = 256 << 20
    /// Bundles that are coming at once.
    package var uploads = 64
    /// Of these of one machine, which sends one after the other: it may be slow with each.
    package var uploadsOfOne = 8
    /// Of a machine: at once, and a second after that. One that was cut off for a week comes with hundreds.
    package var burst = 100.0
    package var perSecond = 2.0
    /// Of those who are not let in, all together: nobody may try tokens, and nobody may keep the collector busy with it.
    package var strangersBurst = 100.0
    package var strangersPerSecond = 10.0
    /// What bundles may not take of the disk, in bytes.
    package var leastFree: Int64 = 1 << 30

    package init() {}
}

/// What a collector answers: `POST /v1/enroll`, `POST /v1/bundles`, `GET /v1/status` and `GET /`, the page for people.
struct CollectorRoutes: Sendable {
    typealias Context = BasicRequestContext

    private static let longestQuestion = 16 << 10
    private static let mostNames = 8
    private static let longestName = 253
    /// For whoever sends too much at once, in seconds: bundles take no longer as a rule.
    private static let pause = 10.0

    let ledger: Ledger
    let files: BundleFiles
    let intake: Intake
    let limits: CollectorLimits
    let version: String
    let wallTime: @Sendable () -> Double
    let monotonicSeconds: @Sendable () -> Double
    let freeBytes: @Sendable (String) -> Int64?
    /// For people; `nil` where nobody has said by which password.
    let page: FleetPage?
    private let heavy: HeavyAnswers
    private let uploads: Places
    private let shares: Shares
    private let machines: TokenBuckets
    private let strangers: TokenBuckets

    init(
        ledger: Ledger, files: BundleFiles, intake: Intake, limits: CollectorLimits, version: String,
        wallTime: @escaping @Sendable () -> Double,
        monotonicSeconds: @escaping @Sendable () -> Double = { Clocks.monotonic().seconds },
        freeBytes: @escaping @Sendable (String) -> Int64? = DiskSpace.free, page: FleetPage? = nil
    ) {
        self.ledger = ledger
        self.files = files
        self.intake = intake
        self.limits = limits
        self.version = version
        self.wallTime = wallTime
        self.monotonicSeconds = monotonicSeconds
        self.freeBytes = freeBytes
        self.page = page
        var heavyLimits = HeavyAnswers.Limits()
        heavyLimits.atOnce = ProcessInfo.processInfo.activeProcessorCount
        heavyLimits.mostWaiting = limits.uploads
        heavyLimits.mostReadersWaiting = limits.uploads
        heavy = HeavyAnswers(heavyLimits, on: .verification)
        uploads = Places(limits.uploads, "send bundles")
        shares = Shares(most: limits.uploadsOfOne)
        machines = TokenBuckets(burst: limits.burst, perSecond: limits.perSecond)
        strangers = TokenBuckets(burst: limits.strangersBurst, perSecond: limits.strangersPerSecond)
    }

    func router() -> Router<Context> {
        let router = Router(context: Context.self)
        router.add(middleware: CollectorErrors())
        router.get("v1/status") { _, _ in
            try Response(json: ["program": "taskwatt collect", "version": version])
        }
        router.get("/") { request, _ in try await showPage(request) }
        router.post("v1/enroll") { request, _ in try await enroll(request) }
        router.post("v1/bundles") { request, _ in try await takeBundle(request) }
        return router
    }

    // MARK: Enrolment

    private func enroll(_ request: Request) async throws -> Response {
        try admitStranger()
        let asked: Enrolment.Request
        do {
            let buffer = try await request.body.collect(upTo: Self.longestQuestion)
            asked = try JSONDecoder().decode(Enrolment.Request.self, from: Data(buffer.readableBytesView))
        } catch is NIOTooManyBytesError {
            throw HTTPError(.contentTooLarge)
        } catch is DecodingError {
            throw UserError(.usage, "the request's body is not an enrolment")
        }
        guard (1...Self.mostNames).contains(asked.machines.count),
            asked.machines.allSatisfy({ name in
                (1...Self.longestName).contains(name.utf8.count) && PrintableText.of(name) == name
            })
        else { throw UserError(.usage, "the names of the machine in the enrolment cannot be names") }
        do {
            let (name, token) = try ledger.enrol(asked.token, machines: asked.machines, at: wallTime())
            return try Response(json: Enrolment.Answer(name: name, token: token), status: .created)
        } catch LedgerRefusal.unknownToken {
            throw Refusal(
                "the token for enrolment is unknown, used or too old",
                remedy: "`taskwatt collect enroll NAME` makes a new one", status: .forbidden)
        } catch LedgerRefusal.nameTaken(let name) {
            throw Refusal(
                UserError(
                    .usage, "another machine is enrolled as `\(name)`",
                    remedy: "enrol it by the same name, or revoke the other one by `taskwatt collect revoke`"),
                status: .conflict)
        }
    }

    /// Whoever shows nothing, or something wrong.
    private func admitStranger() throws(Refusal) {
        guard let seconds = strangers.take("", at: monotonicSeconds()) else { return }
        throw .tooMany(
            "too many requests without a valid token", remedy: "ask again later",
            again: max(1, Int(saturating: seconds)))
    }

    // MARK: The page

    private func showPage(_ request: Request) async throws -> Response {
        guard let page else {
            throw Refusal(
                "this collector has no page",
                remedy: "`page_token_file` under `collect:` of its taskwatt.yaml gives it one",
                status: .notFound)
        }
        guard request.headers[.authorization].map(page.token.matchesPassword) ?? false else {
            try admitStranger()
            throw Refusal(
                "this needs a password", remedy: "it is in the `page_token_file` of the collector; any name will do",
                status: .unauthorized, headers: [.wwwAuthenticate: "Basic realm=\"taskwatt\", charset=\"UTF-8\""])
        }
        let view = try FleetPage.View(request.uri.queryParameters.get("by"))
        return try await heavy.answer(.remote) {
            let html = try await page.html(by: view, machines: try ledger.machines(), at: wallTime())
            return Response(
                status: .ok,
                headers: [
                    .contentType: "text/html; charset=utf-8", .cacheControl: "no-store",
                    // Whatever a name in it holds, nothing is fetched and no script runs.
                    .contentSecurityPolicy:
                        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                ], body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
        }
    }

    // MARK: Bundles

    private func takeBundle(_ request: Request) async throws -> Response {
        let now = wallTime()
        let (machine, hasCertificate) = try sender(of: request, at: now)
        func tooMany(_ seconds: Double) -> Refusal {
            .tooMany(
                "\(machine.name) sends too many bundles at once", remedy: "it waits and sends the rest later",
                again: max(1, Int(saturating: seconds.rounded(.up))))
        }
        if let seconds = machines.take(machine.name, at: monotonicSeconds()) { throw tooMany(seconds) }
        guard let share = shares.take(machine.name) else { throw tooMany(Self.pause) }
        try ledger.heard(machine.name, sign(of: request, at: now), at: now)
        let sha256 = try Self.digest(of: request)
        if let length = request.headers[.contentLength].flatMap({ Int64($0) }), length > limits.bundleBytes {
            throw tooLarge
        }
        if let free = freeBytes(files.root), free < limits.leastFree {
            throw Refusal(
                UserError(.unavailable, "the collector's disk is full", remedy: "make room there; bundles wait"),
                status: .serviceUnavailable, headers: [.retryAfter: "300"])
        }
        let place = try uploads.place()
        let file = try files.begin()
        let bytes = try await receive(request, into: file, sha256)
        let outcome = try await heavy.answer(.remote) {
            try await intake.take(
                file, sha256, bytes: bytes, of: machine, hasCertificate: hasCertificate, at: now)
        }
        try ledger.delivered(machine.name)
        _ = (place, share)
        return try Response(
            json: ["bundle": sha256, "outcome": outcome.rawValue], status: outcome == .new ? .created : .ok)
    }

    private var tooLarge: Refusal {
        Refusal(
            UserError(
                .usage, "the bundle is larger than the \(limits.bundleBytes >> 20) MiB that the collector takes",
                remedy: "raise `most_mib` under `collect:` of its taskwatt.yaml"), status: .contentTooLarge)
    }

    private func receive(
        _ request: Request, into file: BundleFiles.Incoming, _ sha256: String
    ) async throws -> Int64 {
        let hash = SHA256()
        var bytes: Int64 = 0
        for try await buffer in request.body {
            bytes += Int64(buffer.readableBytes)
            guard bytes <= limits.bundleBytes else { throw tooLarge }
            hash.update(buffer.readableBytesView)
            do { try file.handle.write(contentsOf: Data(buffer.readableBytesView)) } catch {
                throw Refusal(
                    UserError(.unavailable, "the collector cannot store the bundle", remedy: "its disk may be full"),
                    status: .serviceUnavailable, headers: [.retryAfter: "300"])
            }
        }
        guard try hash.finalize().hexadecimal == sha256 else {
            throw UserError(.usage, "the body is not what its Content-Digest says; it was cut short or altered")
        }
        return bytes
    }

    /// Who sends: by a token of its own, or by a certificate of the site's CA.
    private func sender(
        of request: Request, at time: Double
    ) throws -> (machine: EnrolledMachine, hasCertificate: Bool) {
        if let token = request.headers[.authorization].flatMap({ Credentials.sent("bearer", in: $0) }) {
            if let machine = try ledger.machine(token: token) { return (machine, false) }
        } else if let peer = Client.current?.peer, let name = Self.commonName(peer) {
            do {
                if let machine = try ledger.machine(certificate: name, at: time) { return (machine, true) }
            } catch LedgerRefusal.nameTaken {
                // It may be mended here, and the bundle is kept there until then.
                throw Refusal(
                    "the certificate is of `\(name)`, and another machine is enrolled that goes by this name in its bundles",
                    remedy: "see `taskwatt collect machines --json`, and revoke the one that should not",
                    status: .forbidden)
            }
        }
        try admitStranger()
        throw Refusal(
            request.headers[.authorization] == nil
                ? "this needs the token of a machine, or its certificate"
                : "that is not the token of an enrolled machine",
            remedy: "`taskwatt enroll` gets one", status: .unauthorized, headers: [.wwwAuthenticate: "Bearer"])
    }

    /// The first common name of a distinguished name (RFC 2253). One with escapes is no name of a machine.
    static func commonName(_ subject: String) -> String? {
        guard !subject.contains("\\"), !subject.contains("\"") else { return nil }
        for part in subject.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            if pair.count == 2, pair[0] == "CN" { return pair[1] }
        }
        return nil
    }

    /// RFC 9530, 2: `sha-256=:…:` in Base64, among other algorithms.
    ///
    /// - Returns: in hexadecimal.
    static func digest(of request: Request) throws -> String {
        let missing = UserError(
            .usage, "the request has no Content-Digest with the SHA-256 of its body", remedy: "see RFC 9530")
        guard let name = HTTPField.Name("Content-Digest") else { throw missing }
        for item in request.headers[values: name].flatMap({ $0.split(separator: ",") }) {
            let pair = item.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard pair.count == 2, pair[0].lowercased() == "sha-256", pair[1].hasPrefix(":"), pair[1].hasSuffix(":"),
                let bytes = Data(base64Encoded: String(pair[1].dropFirst().dropLast())), bytes.count == Digest.count
            else { continue }
            return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        throw missing
    }

    /// What cannot be is not told.
    private func sign(of request: Request, at time: Double) -> MachineSign {
        func number(_ field: String) -> Double? {
            guard let name = HTTPField.Name(field), let text = request.headers[name] else { return nil }
            return Double(text).flatMap { Bounds.unixSeconds.contains($0) ? $0 : nil }
        }
        let version = HTTPField.Name(AgentField.version).flatMap { request.headers[$0] }
        let metrics = HTTPField.Name(AgentField.metrics).flatMap { request.headers[$0] }.flatMap(MetricsAddress.init)
        return MachineSign(
            clockSkew: number(AgentField.time).map { $0 - time },
            waiting: number(AgentField.waiting).map { Int(saturating: min($0, 1e9)) },
            oldestSeconds: number(AgentField.oldest),
            version: version.map { PrintableText.of(String($0.prefix(50))) }, metrics: metrics.map { "\($0)" })
    }
}

/// Turns errors into answers in JSON. What is not known to be the client's fault says that it is worth while to come again.
private struct CollectorErrors: RouterMiddleware {
    typealias Context = BasicRequestContext

    @concurrent
    func handle(
        _ request: Request, context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let refusal as Refusal {
            return try Self.response(refusal.error, refusal.status, refusal.headers)
        } catch let error as any HTTPResponseError {
            return try Self.response(
                UserError(UserError.Kind(error.status), "\(request.uri.path): \(error.status.reasonPhrase)"),
                error.status, [:])
        } catch {
            let answer = UserError(answering: error)
            guard answer.kind == .usage else {
                // The record cannot be written now, a disk is full, the collector stops: the machine keeps its bundle.
                return try Self.response(answer, .serviceUnavailable, [.retryAfter: "30"])
            }
            return try Self.response(answer, answer.kind.status, [:])
        }
    }

    private static func response(
        _ error: UserError, _ status: HTTPResponse.Status, _ headers: HTTPFields
    ) throws -> Response {
        var response = try Response(json: error, status: status)
        for field in headers { response.headers[field.name] = field.value }
        return response
    }
}
