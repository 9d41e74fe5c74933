import Core
import NIOCore
import NIOHTTP1
import TLS

/// Holds one connection to its listener's limits: takes it in or turns it away, closes it where nothing comes or nothing is taken, and tells
/// when the client goes. It stands behind the codec of HTTP/1.1.
final class RequestWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let connections: Connections
    private var limits: ConnectionLimits { connections.limits }
    private let client = Client()
    private var timer: RepeatedTask?

    /// Requests whose head came and whose answer's end did not go yet.
    private var unanswered = 0
    private var hasAsked = false
    private var restingSince = NIODeadline.now()

    // Of a body that is coming.
    private var isBodyOpen = false
    /// Nothing that comes afterwards is a request.
    private var isRefused = false
    private var received = 0
    private var waited = TimeAmount.zero
    /// Since more was asked for, and did not come.
    private var readingSince: NIODeadline?

    /// Since the client closed his side.
    private var closedSince: NIODeadline?
    /// Of an answer that waits to be taken: since when, and what was there then.
    private var untaken: (since: NIODeadline, bytes: Int)?

    init(_ connections: Connections) { self.connections = connections }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard timer == nil else { return }
        restingSince = context.eventLoop.now
        let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleRepeatedTask(initialDelay: limits.look, delay: limits.look) { _ in
            let (watch, context) = loopBound.value
            watch.look(context)
        }
        context.channel.isOwners { [self] isOwner in
            if !connections.admit(context.channel, client, isOwner: isOwner) { turnAway(context) }
        }
    }

    private func turnAway(_ context: ChannelHandlerContext) {
        answer(context, .serviceUnavailable, ["retry-after": "5"])
    }

    /// Without a word more, and closes.
    private func answer(
        _ context: ChannelHandlerContext, _ status: HTTPResponseStatus, _ headers: HTTPHeaders = [:]
    ) {
        var headers = headers
        headers.add(contentsOf: ["connection": "close", "content-length": "0"])
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end(context) }

    private func end(_ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        connections.gone(context.channel)
        client.goes()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            closedSince = context.eventLoop.now
            client.goes()
        }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: What comes and goes

    func read(context: ChannelHandlerContext) {
        if readingSince == nil { readingSince = context.eventLoop.now }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isRefused { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard Self.namesOneHost(head) else {
                isRefused = true
                // What is still to be answered is first; then there is no place for more.
                return unanswered == 0 ? answer(context, .badRequest) : context.close(promise: nil)
            }
            if unanswered == 0 { connections.rests(context.channel, false) }
            if !hasAsked {
                // By now the handshake is over.
                let tls = try? context.channel.pipeline.syncOperations.handler(type: TLSServerHandler.self)
                client.shows(tls?.peer)
            }
            (hasAsked, isBodyOpen) = (true, true)
            unanswered += 1
            (received, waited) = (0, .zero)
        case .body(let bytes):
            received += bytes.readableBytes
            if let readingSince { waited = waited + (context.eventLoop.now - readingSince) }
        case .end: isBodyOpen = false
        }
        readingSince = nil
        context.fireChannelRead(data)
    }

    /// Of two hosts a proxy before us may have looked at the other one: RFC 9112, 3.2.
    private static func namesOneHost(_ head: HTTPRequestHead) -> Bool {
        let count = head.headers["host"].count
        return count == 1 || count == 0 && head.version == .http1_0
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            unanswered -= 1
            if unanswered == 0 {
                restingSince = context.eventLoop.now
                connections.rests(context.channel, true)
            }
        }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        untaken = context.channel.isWritable ? nil : (context.eventLoop.now, buffered(context))
        context.fireChannelWritabilityChanged()
    }

    private func buffered(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    // MARK: Time

    private func look(_ context: ChannelHandlerContext) {
        let now = context.eventLoop.now
        if unanswered == 0, now - restingSince > (hasAsked ? limits.idle : limits.firstHead) {
            return context.close(promise: nil)
        }
        if let closedSince, now - closedSince > limits.farewell { return context.close(promise: nil) }
        if isBodyOpen, let readingSince {
            let earned = Double(received) / Double(limits.leastBytesPerSecond)
            let patience = limits.bodyPatience + .nanoseconds(Int64(clamping: Int(min(earned, 1e6) * 1e9)))
            if waited + (now - readingSince) > patience { return context.close(promise: nil) }
        }
        if let before = untaken {
            let bytes = buffered(context)
            if bytes > before.bytes || before.bytes - bytes >= limits.leastTaken {
                // What was written meanwhile has not been there for so long.
                untaken = (bytes > before.bytes ? before.since : now, bytes)
            }
            if now - before.since > limits.takePatience, untaken?.since == before.since {
                context.close(promise: nil)
            }
        }
    }
}
