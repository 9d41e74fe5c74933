import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization

/// What the router answered, whole.
struct RouterAnswer: Sendable {
    var head: HTTPResponse
    var body: ByteBuffer

    var status: HTTPResponse.Status { head.status }
    var headers: HTTPFields { head.headerFields }
}

extension Router<BasicRequestContext> {
    /// One request, without a socket: as it comes out of the HTTP decoder, and in pieces as from there.
    func execute(
        uri: String, method: HTTPRequest.Method, headers: HTTPFields = [:], body: ByteBuffer? = nil
    ) async throws -> RouterAnswer {
        var headers = headers
        headers[.contentLength] = (body?.readableBytes).map(String.init)
        let request = Request(
            head: HTTPRequest(method: method, scheme: "http", authority: "localhost", path: uri, headerFields: headers),
            body: RequestBody(asyncSequence: Self.pieces(body)))
        let context = BasicRequestContext(
            source: ApplicationRequestContextSource(channel: NIOAsyncTestingChannel(), logger: quietLogger))
        let response: Response
        do {
            response = try await buildResponder().respond(to: request, context: context)
        } catch {
            // So does the server.
            response = Response(status: .internalServerError)
        }
        let collected = Collected()
        try await response.body.write(collected)
        return RouterAnswer(head: response.head, body: collected.body.withLock { $0 })
    }

    private static func pieces(_ body: ByteBuffer?) -> AsyncStream<ByteBuffer> {
        AsyncStream { continuation in
            var body = body ?? ByteBuffer()
            while let piece = body.readSlice(length: min(body.readableBytes, 32 * 1024)), piece.readableBytes > 0 {
                continuation.yield(piece)
            }
            continuation.finish()
        }
    }

    private final class Collected: ResponseBodyWriter, Sendable {
        let body = Mutex(ByteBuffer())

        @concurrent
        func write(_ buffer: ByteBuffer) async throws { body.withLock { _ = $0.writeImmutableBuffer(buffer) } }
        @concurrent
        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}

private var quietLogger: Logger {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
}

/// A real server of the router on a port of this machine, for as long as `body` takes.
func serving<Value: Sendable>(
    _ router: Router<BasicRequestContext>, _ server: HTTPServerBuilder = .http1(),
    _ body: (_ port: Int) async throws -> Value
) async throws -> Value {
    let (ports, told) = AsyncStream.makeStream(of: Int.self)
    let application = Application(
        router: router, server: server,
        configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { channel in
            told.yield(channel.localAddress?.port ?? 0)
            told.finish()
        }, logger: quietLogger)
    let running = Task {
        // Where it cannot listen, nobody waits for a port.
        defer { told.finish() }
        try await application.runService(gracefulShutdownSignals: [])
    }
    defer { running.cancel() }
    guard let port = await ports.first(where: { _ in true }) else {
        try await running.value
        throw ChannelError.ioOnClosedChannel
    }
    return try await body(port)
}

/// A connection that asks, takes nothing, and goes when `body` ends.
func withClient<Value: Sendable>(
    at port: Int, asking path: String, _ body: () async throws -> Value
) async throws -> Value {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: "127.0.0.1", port: port).get()
    do {
        try await channel.writeAndFlush(ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")).get()
        let value = try await body()
        try await channel.close().get()
        return value
    } catch {
        channel.close(promise: nil)
        throw error
    }
}
