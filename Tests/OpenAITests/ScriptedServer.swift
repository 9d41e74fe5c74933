import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TLS

/// How the server answers one request.
enum Script: Sendable {
    case json(String, status: Int = 200)
    /// A whole answer of another type.
    case typed(String, String)
    /// Pieces of an event stream, as they are.
    case stream([String])
    /// Pieces of a stream that then stands still.
    case stall([String])
    /// Pieces of a stream that then breaks off.
    case cut([String])
    case never
    case hangUp
}

/// A request as it came.
struct Asked: Sendable {
    var path: String
    var authorization: String?
    var body: Data

    var json: [String: Any] { (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:] }
}

/// A real HTTP server in this process; it stands for servers with faults.
final class ScriptedServer: Sendable {
    private struct State {
        var asked: [Asked] = []
        var open = 0
        var mostOpen = 0
    }

    static let model = #"{"object": "list", "data": [{"id": "small"}, {"id": "large"}]}"#

    private let state = Mutex(State())
    private let channel: any Channel
    private let isTLS: Bool

    /// - Parameter answer: to each request but those for the models, by its number from 0.
    init(
        tls: TLSContext? = nil, models: Script = .json(model), _ answer: @escaping @Sendable (Int, Asked) -> Script
    ) throws {
        isTLS = tls != nil
        let box = Box()
        channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { [tls] channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(TLSServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        Handler { asked in box.server?.take(asked, models, answer) })
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        box.server = self
    }

    // Its connections' own thread may be the last to let go of it, and that one must not wait for itself.
    deinit { channel.close(promise: nil) }

    var url: String { "\(isTLS ? "https" : "http")://127.0.0.1:\(channel.localAddress?.port ?? 0)/v1" }
    /// The requests for text.
    var asked: [Asked] { state.withLock { $0.asked.filter { !$0.path.hasSuffix("/models") } } }
    var all: [Asked] { state.withLock(\.asked) }
    var mostOpen: Int { state.withLock(\.mostOpen) }

    /// - Returns: `nil` at a request's end: it is no longer open.
    private func take(
        _ asked: Asked?, _ models: Script, _ answer: (Int, Asked) -> Script
    ) -> Script? {
        guard let asked else {
            state.withLock { $0.open -= 1 }
            return nil
        }
        let number = state.withLock { state in
            state.asked.append(asked)
            state.open += 1
            state.mostOpen = max(state.mostOpen, state.open)
            return state.asked.count { !$0.path.hasSuffix("/models") } - 1
        }
        return asked.path.hasSuffix("/models") ? models : answer(number, asked)
    }

    private final class Box: Sendable {
        private let held = Mutex<Weak>(Weak())
        private struct Weak { weak var server: ScriptedServer? }
        var server: ScriptedServer? {
            get { held.withLock(\.server) }
            set { held.withLock { $0.server = newValue } }
        }
    }
}

private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let take: (Asked?) -> Script?
    private var head: HTTPRequestHead?
    private var body = Data()

    init(_ take: @escaping (Asked?) -> Script?) { self.take = take }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = Data()
        case .body(let part): body.append(contentsOf: part.readableBytesView)
        case .end:
            guard let head else { return context.close(promise: nil) }
            let asked = Asked(path: head.uri, authorization: head.headers.first(name: "Authorization"), body: body)
            let script = take(asked) ?? .hangUp
            // Long enough that requests at once are seen to be at once.
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            let own = NIOLoopBound(self, eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: .milliseconds(5)) { own.value.answer(script, bound.value) }
        }
    }

    private func answer(_ script: Script, _ context: ChannelHandlerContext) {
        _ = take(nil)
        switch script {
        case .json(let text, let status):
            send(text, status, ["Content-Type": "application/json", "Content-Length": "\(text.utf8.count)"], context)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .typed(let type, let text):
            send(text, 200, ["Content-Type": type, "Content-Length": "\(text.utf8.count)"], context)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .stream(let pieces):
            stream(pieces, context)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .stall(let pieces): stream(pieces, context)
        case .cut(let pieces):
            stream(pieces, context)
            context.close(promise: nil)
        case .never: break
        case .hangUp: context.close(promise: nil)
        }
    }

    private func stream(_ pieces: [String], _ context: ChannelHandlerContext) {
        send("", 200, ["Content-Type": "text/event-stream; charset=utf-8"], context)
        for piece in pieces {
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: piece)))), promise: nil)
        }
    }

    private func send(_ text: String, _ status: Int, _ headers: HTTPHeaders, _ context: ChannelHandlerContext) {
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
