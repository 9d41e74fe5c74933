import NIOCore
import NIOPosix
import Synchronization

/// What the server does with one request, in this order.
enum Step: Sendable {
    /// These bytes, whatever they are.
    case send(String)
    /// So many spaces.
    case fill(Int)
    case wait(TimeAmount)
    /// Pieces of 64 KiB without end, each when the one before is with the kernel.
    case endless
    case close
}

/// A request as it came.
struct Received: Sendable {
    var head: String
    var body: [UInt8]

    var line: String { head.split(separator: "\r\n").first.map(String.init) ?? "" }

    /// Whether one of the lines is this header.
    func has(_ header: String) -> Bool {
        head.lowercased().split(separator: "\r\n").contains { $0 == header.lowercased() }
    }
}

/// A server on this machine that says exactly what a test wants, HTTP or not.
final class RawServer: Sendable {
    private struct State {
        var received: [Received] = []
        var connections = 0
        var open = 0
        var sent = 0
    }

    private let state = Mutex(State())
    private let channel: any Channel
    fileprivate let script: @Sendable (Received, Int) -> [Step]
    fileprivate let greeting: String?

    /// - Parameters:
    ///   - socket: the path of a Unix socket, in place of a port.
    ///   - greeting: is sent before anything is asked.
    ///   - answersHeads: as soon as the head of a request is there, before its body.
    ///   - script: what to do with a request, and with its number.
    init(
        socket: String? = nil, greeting: String? = nil, answersHeads: Bool = false,
        _ script: @escaping @Sendable (Received, Int) -> [Step]
    ) throws {
        self.script = script
        self.greeting = greeting
        let shared = Shared()
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        RawHandler(server: shared.server, answersHeads: answersHeads))
                }
            }
        channel =
            if let socket { try bootstrap.bind(unixDomainSocketPath: socket).wait() } else {
                try bootstrap.bind(host: "127.0.0.1", port: 0).wait()
            }
        shared.server = self
    }

    // Its connections' own thread may be the last to let go of it, and that one must not wait for itself.
    deinit { channel.close(promise: nil) }

    var port: Int { channel.localAddress?.port ?? 0 }
    var url: String { "http://127.0.0.1:\(port)" }
    var received: [Received] { state.withLock(\.received) }
    var connections: Int { state.withLock(\.connections) }
    /// Connections that are open now.
    var open: Int { state.withLock(\.open) }
    /// Bytes of endless pieces that the kernel has taken.
    var sent: Int { state.withLock(\.sent) }

    fileprivate func opened() {
        state.withLock {
            $0.connections += 1
            $0.open += 1
        }
    }

    fileprivate func closed() { state.withLock { $0.open -= 1 } }
    fileprivate func count(_ bytes: Int) { state.withLock { $0.sent += bytes } }

    fileprivate func take(_ request: Received) -> [Step] {
        let number = state.withLock { state in
            state.received.append(request)
            return state.received.count - 1
        }
        return script(request, number)
    }

    fileprivate struct WeakServer { weak var server: RawServer? }

    private final class Shared: Sendable {
        private let held = Mutex(WeakServer())

        var server: RawServer? {
            get { held.withLock(\.server) }
            set { held.withLock { $0.server = newValue } }
        }
    }

    /// A whole answer.
    static func answer(_ body: String, status: String = "200 OK", headers: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
    }
}

private final class RawHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private weak var server: RawServer?
    private let answersHeads: Bool
    private var bytes: [UInt8] = []
    private var hasAnswered = false

    init(server: RawServer?, answersHeads: Bool) {
        self.server = server
        self.answersHeads = answersHeads
    }

    func channelActive(context: ChannelHandlerContext) {
        server?.opened()
        guard let greeting = server?.greeting else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: greeting)), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { server?.closed() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += unwrapInboundIn(data).readableBytesView
        while let (request, length) = next() {
            bytes.removeFirst(length)
            guard let server, !hasAnswered else { continue }
            hasAnswered = answersHeads
            act(server.take(request)[...], context)
        }
    }

    /// The request at the begin of what has come, and its length.
    private func next() -> (Received, Int)? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound else { return nil }
        let head = String(decoding: bytes[..<(end - 2)], as: UTF8.self)
        if answersHeads { return (Received(head: head, body: []), end) }
        if head.lowercased().contains("transfer-encoding: chunked") { return chunked(head, from: end) }
        let length =
            head.lowercased().firstMatch(of: /content-length: ([0-9]+)/).flatMap { Int($0.1) } ?? 0
        guard bytes.count >= end + length else { return nil }
        return (Received(head: head, body: Array(bytes[end..<end + length])), end + length)
    }

    private func chunked(_ head: String, from start: Int) -> (Received, Int)? {
        var body: [UInt8] = []
        var place = start
        while let line = bytes[place...].firstRange(of: Array("\r\n".utf8)),
            let length = Int(String(decoding: bytes[place..<line.lowerBound], as: UTF8.self), radix: 16)
        {
            let end = line.upperBound + length + 2
            guard bytes.count >= end else { return nil }
            if length == 0 { return (Received(head: head, body: body), end) }
            body += bytes[line.upperBound..<end - 2]
            place = end
        }
        return nil
    }

    private func act(_ steps: ArraySlice<Step>, _ context: ChannelHandlerContext) {
        guard let step = steps.first else { return }
        let rest = steps.dropFirst()
        let own = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        switch step {
        case .send(let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            act(rest, context)
        case .fill(let count):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(repeating: 32, count: count)), promise: nil)
            act(rest, context)
        case .wait(let time):
            context.eventLoop.scheduleTask(in: time) {
                let (handler, context) = own.value
                handler.act(rest, context)
            }
        case .endless:
            let piece = ByteBuffer(repeating: 32, count: 1 << 16)
            context.writeAndFlush(wrapOutboundOut(piece)).whenSuccess {
                let (handler, context) = own.value
                handler.server?.count(1 << 16)
                handler.act(steps, context)
            }
        case .close: context.close(promise: nil)
        }
    }
}
