import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TLS

/// What a device on the network answers; it stands for the plugs and BMCs that are not here.
enum Answer: Sendable {
    case json(String, status: Int = 200, headers: HTTPHeaders = [:])
    case redirect(String)
    /// The request is taken and nothing comes.
    case never
    /// The connection is closed without an answer.
    case hangUp
    /// So many bytes of a JSON text.
    case bytes(Int)
}

/// A request as it came.
struct Request: Sendable {
    var method = HTTPMethod.GET
    var path: String
    var headers: HTTPHeaders
    var time: ContinuousClock.Instant
    var body = ""
}

/// A real HTTP server on a port of this machine, in this process.
final class TestServer: Sendable {
    private struct State {
        var requests: [Request] = []
        var channel: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
    }

    private let state = Mutex(State())
    private let answer: @Sendable (Request) -> Answer
    private let tls: TLSContext?
    private let portBox = Mutex(0)

    init(tls: TLSContext? = nil, _ answer: @escaping @Sendable (Request) -> Answer) throws {
        self.answer = answer
        self.tls = tls
        try start()
    }

    // Its connections' own thread may be the last to let go of it, and that one must not wait for itself.
    deinit { _ = close() }

    var port: Int { portBox.withLock { $0 } }
    var url: String { "\(tls == nil ? "http" : "https")://localhost:\(port)" }
    var requests: [Request] { state.withLock(\.requests) }

    /// Starts again, at the port where it was.
    func start() throws {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [weak self, tls] channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(TLSServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(server: self))
                }
            }
        let channel = try bootstrap.bind(host: "localhost", port: port).wait()
        portBox.withLock { $0 = channel.localAddress?.port ?? 0 }
        state.withLock { $0.channel = channel }
    }

    /// Stops to listen and closes what is open.
    func stop() { try? close()?.wait() }

    private func close() -> EventLoopFuture<Void>? {
        let (channel, connections) = state.withLock { state in
            defer {
                state.channel = nil
                state.connections = [:]
            }
            return (state.channel, Array(state.connections.values))
        }
        for connection in connections { connection.close(promise: nil) }
        return channel?.close()
    }

    fileprivate func opened(_ channel: any Channel) {
        state.withLock { $0.connections[ObjectIdentifier(channel)] = channel }
    }

    fileprivate func closed(_ channel: any Channel) {
        state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    fileprivate func take(_ request: Request) -> Answer {
        state.withLock { $0.requests.append(request) }
        return answer(request)
    }
}

private final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private weak var server: TestServer?
    private var head: HTTPRequestHead?
    private var body = ""

    init(server: TestServer?) { self.server = server }

    func channelActive(context: ChannelHandlerContext) { server?.opened(context.channel) }
    func channelInactive(context: ChannelHandlerContext) { server?.closed(context.channel) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = ""
        case .body(let bytes): body += String(buffer: bytes)
        case .end:
            guard let head, let server else { return context.close(promise: nil) }
            let request = Request(
                method: head.method, path: head.uri, headers: head.headers, time: .now, body: body)
            switch server.take(request) {
            case .json(let text, let status, let headers):
                send(text, status: status, headers: headers, context: context)
            case .redirect(let place): send("", status: 308, headers: ["Location": place], context: context)
            case .never: break
            case .hangUp: context.close(promise: nil)
            case .bytes(let count):
                send("[" + String(repeating: " ", count: count - 2) + "]", status: 200, context: context)
            }
        }
    }

    private func send(
        _ text: String, status: Int, headers: HTTPHeaders = [:], context: ChannelHandlerContext
    ) {
        var headers = headers
        headers.replaceOrAdd(name: "Content-Length", value: "\(text.utf8.count)")
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
