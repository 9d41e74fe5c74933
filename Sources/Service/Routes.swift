import API
import Accounting
import Core
import Exchange
import Forwarding
import Foundation
import HTTPTypes
import Hummingbird
import Listening
import Logging
import Metering
import NIOCore
import PluginHosting
import Recording
import Reporting
import Running

/// What the daemon answers: /v1, /metrics, and the page for people at /.
struct Routes: Sendable {
    let queue: JobQueue
    let sessions: ClientSessions
    let store: Store
    let record: OwnRecord
    let plugins: PluginCatalogue
    let metrics: DaemonMetrics
    let machine: MachineRecord
    let listings: @Sendable () async throws -> [MeterListing]
    /// Shared by all listeners.
    var heavy = HeavyAnswers()
    var looks = Looks()
    /// Whoever sends files: each of them may be in memory several times over, as text and as what it says.
    var uploads = Places(2, "send files")
    /// `nil` where nothing is sent on.
    var sender: Sender?
    let status: @Sendable () async -> DaemonStatus

    typealias Context = BasicRequestContext

    /// - Parameters:
    ///   - access: what those may do that reach it.
    ///   - names: that it answers to; `nil` for any, as on the Unix socket.
    func router(_ access: ListenerAccess = .everything, names: HostNames? = nil) -> Router<Context> {
        let router = Router(context: Context.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ErrorAnswers())
        if let names { router.add(middleware: HostGuard(names: names)) }
        router.add(middleware: BrowserGuard())
        router.add(middleware: AccessGuard(access: access))
        addMetrics(to: router)
        addPage(to: router)
        let v1 = router.group("v1").add(middleware: QueryGuard())
        v1.get("openapi.json") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/json"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_json)))
        }
        v1.get("access") { request, _ in try Self.json(AccessStatus(changes: access.changes(for: request))) }
        v1.get("status") { _, _ in try Self.json(await status()) }
        v1.get("meters") { _, _ in
            try Self.json(await looks.meters.value { await MeterStatus.read(try await listings()) })
        }
        v1.get("plugins") { _, _ in try Self.json(plugins.plugins.map(PluginStatus.init)) }
        // Of this listener: those on TCP shall not take the places of those on the Unix socket.
        let followers = Places(64, "follow what happens")
        let asker = access.asker
        addWatching(to: v1, followers, asker)
        addJobs(to: v1, followers)
        addHolds(to: v1)
        addSessions(to: v1)
        addReports(to: v1, asker)
        addImports(to: v1, asker)
        addBundles(to: v1, asker)
        addOutbox(to: v1)
        return router
    }

    private func addJobs(to v1: RouterGroup<Context>, _ followers: Places) {
        // GET /v1/jobs?schedule=…: the latest of a schedule first
        v1.get("jobs") { request, _ in
            guard let schedule = request.uri.queryParameters.get("schedule") else {
                return try Self.json(await queue.statuses)
            }
            return try Self.json(await queue.statuses(ofSchedule: schedule))
        }
        v1.post("jobs") { request, _ in
            let job: JobRequest = try await Self.body(request, upTo: Self.longestSuite)
            // All that can be known to be wrong is said now, and not when the job's turn comes.
            _ = try job.suite(for: plugins)
            let chosen = try MeterCatalogue.select(try await listings(), ids: job.meters)
            _ = try TotalSelection(meters: chosen.map(\.description), asked: job.scope)
            // A schedule's job that is there already is answered in the same way.
            return try Self.json(await queue.submit(job), status: .created)
        }
        v1.get("jobs/:id") { _, context in
            let id = try Self.id(context)
            guard let status = await queue.status(of: id) else { throw Self.noJob(id) }
            return try Self.json(status)
        }
        v1.delete("jobs/:id") { _, context in
            let id = try Self.id(context)
            guard let status = await queue.cancel(id) else { throw Self.noJob(id) }
            return try Self.json(status)
        }
        v1.get("jobs/:id/events") { _, context in
            let id = try Self.id(context)
            let place = try followers.place()
            guard let events = await queue.events(of: id) else { throw Self.noJob(id) }
            return Response(
                status: .ok, headers: [.contentType: "application/x-ndjson"],
                body: ResponseBody { writer in
                    for await event in events {
                        try await writer.write(
                            ByteBuffer(bytes: try Response.encoder.encode(event) + [UInt8(ascii: "\n")]))
                    }
                    try await writer.finish(nil)
                    _ = place
                })
        }
    }

    private func addHolds(to v1: RouterGroup<Context>) {
        v1.post("hold") { request, _ in
            try Self.json(await queue.hold(try await Self.body(request, upTo: Self.longestQuestion)))
        }
        // DELETE /v1/hold?id=…: without an id all of them
        v1.delete("hold") { request, _ in
            try Self.json(await queue.release(request.uri.queryParameters.get("id")))
        }
    }

    private func addSessions(to v1: RouterGroup<Context>) {
        v1.post("sessions") { request, _ in
            try Self.json(
                await sessions.create(try await Self.body(request, upTo: Self.longestQuestion)), status: .created)
        }
        v1.get("sessions/:id") { _, context in
            let metering = try await sessions.metering(try Self.id(context))
            return try Self.json(
                SessionState(power: await metering.latestPower(), samples: await metering.takeSamples()))
        }
        v1.delete("sessions/:id") { _, context in
            try await sessions.end(try Self.id(context))
            return Response(status: .noContent)
        }
        v1.post("sessions/:id/windows") { _, context in
            let metering = try await sessions.metering(try Self.id(context))
            return try Self.json(WindowOpened(window: try await metering.openWindow().rawValue), status: .created)
        }
        v1.post("sessions/:id/windows/:window/close") { _, context in
            let metering = try await sessions.metering(try Self.id(context))
            return try Self.json(
                try await metering.closeWindow(
                    WindowID(rawValue: try context.parameters.require("window", as: Int.self))))
        }
        v1.delete("sessions/:id/windows/:window") { _, context in
            let metering = try await sessions.metering(try Self.id(context))
            await metering.discardWindow(WindowID(rawValue: try context.parameters.require("window", as: Int.self)))
            return Response(status: .noContent)
        }
    }

    private func addReports(to v1: RouterGroup<Context>, _ asker: HeavyAnswers.Asker) {
        // GET /v1/power?since=…&until=…&step=…: seconds since 1970, and seconds
        v1.get("power") { request, _ in
            func number(_ name: String, _ usual: Double) throws -> Double {
                guard let text = request.uri.queryParameters.get(name) else { return usual }
                guard let value = Double(text), (0...1e11).contains(value) else {
                    throw UserError(.usage, "\(name) must be a number of seconds, not \(text)")
                }
                return value
            }
            let until = try number("until", Date().timeIntervalSince1970)
            let since = try number("since", until - 3600)
            let step = try number("step", max(1, ((until - since) / 500).rounded(.up)))
            guard since < until, step >= 1, (until - since) / step <= 10_000 else {
                throw UserError(
                    .usage, "since must be before until, with at most 10000 steps of a second or more between them")
            }
            return try await heavy.answer(asker) {
                try Self.json(try store.power(from: since, to: until, seconds: Int64(saturating: step.rounded(.down))))
            }
        }
        // GET /v1/suite-runs?limit=…&label=…&suite=…&machine=…
        v1.get("suite-runs") { request, _ in
            let parameters = request.uri.queryParameters
            let limit = try Self.number("limit", in: request, 1...Self.mostSuites) ?? 100
            let (label, suite) = (parameters.get("label"), parameters.get("suite"))
            let machine = parameters.get("machine")
            return try await fromRecord(request, asker) {
                try Self.json(try await record.suiteRuns(label: label, suite: suite, machine: machine, limit: limit))
            }
        }
        v1.get("table") { request, _ in
            let query = try TableQuery { request.uri.queryParameters.get($0) }
            return try await fromRecord(request, asker) {
                try Self.json(try await record.table(query.options))
            }
        }
        v1.post("compare") { request, _ in
            let asked: Comparison.Request = try await Self.body(request, upTo: Self.longestQuestion)
            return try await heavy.answer(asker) { try Self.json(try await record.comparison(asked)) }
        }
        v1.get("report") { request, _ in
            let options = try TableQuery { request.uri.queryParameters.get($0) }.options
            return try await fromRecord(request, asker, and: machine.peaks()) {
                let html = try await record.report(options)
                return Response(
                    status: .ok,
                    headers: [
                        .contentType: "text/html; charset=utf-8",
                        // It has styles and no scripts, whatever names of models and machines are in it.
                        .contentSecurityPolicy:
                            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
                    ], body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
            }
        }
        v1.get("methods") { request, _ in
            let options = try TableQuery { request.uri.queryParameters.get($0) }.options
            return try await fromRecord(request, asker) {
                let text = try await record.methods(options)
                return Response(
                    status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
            }
        }
        addFigures(to: v1, asker)
        addPlane(to: v1, asker)
        v1.get("runs/:id") { request, context in
            let columns = request.uri.queryParameters.get("columns").flatMap { Int($0) } ?? 64
            let name = PercentEncoding.decoded(try context.parameters.require("id"))
            return try await fromRecord(request, asker) {
                try Self.json(try await record.detail(of: name, columns: min(max(columns, 1), 10_000)))
            }
        }
        v1.get("export/:what") { request, context in
            guard let kind = Export.Kind(rawValue: context.parameters.get("what") ?? "") else {
                let kinds = Export.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw UserError(.unknownName, "there is \(kinds) to export")
            }
            let filter = try RunFilter { request.uri.queryParameters.get($0) }
            let hasRawCells = try UserError.flag("raw_cells", request.uri.queryParameters.get("raw_cells"))
            let (store, place) = (store, try heavy.open(asker))
            return Response(
                status: .ok, headers: [.contentType: kind.mediaType],
                body: ResponseBody { writer in
                    var export = Export(kind, of: store, filter: filter, hasRawCells: hasRawCells)
                    while true {
                        let (piece, rest) = try await place.piece { [export] in
                            var export = export
                            return (try await export.next(), export)
                        }
                        guard let piece else { break }
                        export = rest
                        try await writer.write(ByteBuffer(bytes: piece))
                    }
                    try await writer.finish(nil)
                })
        }
    }

    private func addImports(to v1: RouterGroup<Context>, _ asker: HeavyAnswers.Asker) {
        // GET /v1/imports?limit=…&before=…
        v1.get("imports") { request, _ in
            let before = try Self.number("before", in: request, 1...Int.max)
            guard let limit = try Self.number("limit", in: request, 1...Self.mostSuites) ?? before.map({ _ in 100 })
            else {
                return try await fromRecord(request, asker) { try Self.json(try await record.imports()) }
            }
            return try await fromRecord(request, asker) {
                try Self.json(try await record.imports(before: before.map { Int64($0) }, limit: limit))
            }
        }
        v1.delete("imports/:id") { _, context in
            let id = Int64(try Self.id(context))
            guard let undone = try await heavy.answer(asker, { try await record.undoImport(id) }) else {
                throw UserError(
                    .unknownName, "there is no import \(id)", remedy: "`taskwatt import list` has them")
            }
            return try Self.json(undone)
        }
        v1.post("imports") { request, _ in
            let place = try uploads.place()
            let batches: [ImportBatch] = try await Self.body(request, upTo: Self.longestImport)
            guard !batches.contains(where: { $0.source == .taskwatt }) else {
                throw UserError(.usage, "an import must have the source paper or codecarbon, not taskwatt")
            }
            // All of them before any is written.
            for batch in batches { try batch.validate() }
            let outcome = try await heavy.answer(asker) { try await record.bring(batches) }
            _ = place
            return try Self.json(outcome)
        }
    }

    private static let mostSuites = 100_000

    // MARK: JSON

    private static func noJob(_ id: Int) -> UserError {
        UserError(.unknownName, "there is no job \(id)", remedy: "`taskwatt status` lists them")
    }

    private static func id(_ context: Context) throws -> Int { try context.parameters.require("id", as: Int.self) }

    private static func body<Value: Decodable>(
        _ request: Request, upTo longest: Int
    ) async throws -> Value {
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: longest)
        } catch is NIOTooManyBytesError {
            throw HTTPError(.contentTooLarge)
        }
        do {
            return try JSONDecoder().decode(Value.self, from: Data(buffer.readableBytesView))
        } catch let error as DecodingError {
            // The decoder says of a number that does not fit that the whole is no JSON, and not where it is.
            if case .dataCorrupted(let context) = error, context.codingPath.isEmpty,
                (try? JSONSerialization.jsonObject(with: Data(buffer.readableBytesView), options: .fragmentsAllowed))
                    != nil, context.debugDescription.contains("not valid JSON")
            {
                throw UserError(
                    .usage, "the request's body is not valid: a number in it is too large, or has a fraction",
                    remedy: "GET /v1/openapi.json tells the range of each")
            }
            throw UserError(.usage, "the request's body is not valid: \(reason(error))")
        }
    }

    // The longest bodies, in bytes. What anybody may send who reads is short, for each connection may send one.
    /// Filters and names of meters.
    private static let longestQuestion = 64 << 10
    /// Suites are text that people write; this is many times the longest.
    private static let longestSuite = 1 << 20
    /// A log of a hundred thousand runs.
    private static let longestImport = 128 << 20

    /// What is wrong and where, in one line.
    private static func reason(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
            return path.isEmpty ? "" : " in `\(path)`"
        }
        switch error {
        case .keyNotFound(let key, let context): return "the key `\(key.stringValue)` is missing\(place(context))"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            return context.debugDescription + place(context)
        @unknown default: return "\(error)"
        }
    }

    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        try Response(json: value, status: status)
    }
}

/// Turns errors into answers in JSON, or into a page where one is asked for, with the status that fits.
private struct ErrorAnswers: RouterMiddleware {
    typealias Context = BasicRequestContext

    @concurrent
    func handle(
        _ request: Request, context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let refusal as Refusal {
            var response = try Self.response(refusal.error, status: refusal.status, to: request)
            for field in refusal.headers { response.headers[field.name] = field.value }
            return response
        } catch let error as any HTTPResponseError {
            let reason = "\(request.uri.path): \(error.status.reasonPhrase)"
            let remedy =
                error.status == .notFound ? "GET /v1/openapi.json lists what there is, and / is the page" : nil
            return try Self.response(
                UserError(UserError.Kind(error.status), reason, remedy: remedy), status: error.status, to: request)
        } catch {
            let answer = UserError(answering: error)
            return try Self.response(answer, status: answer.kind.status, to: request)
        }
    }

    private static func response(
        _ error: UserError, status: HTTPResponse.Status, to request: Request
    ) throws -> Response {
        var response =
            request.head.wantsPage
            ? ErrorPage.response(error, status: status, path: request.uri.path)
            : try Routes.json(error, status: status)
        response.headers[.vary] = "Accept"
        return response
    }
}
