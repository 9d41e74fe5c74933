import Glibc
package import HummingbirdCore
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
package import TLS

/// A connection that speaks HTTP/1.1, on TLS or not, within its listener's limits. What it asks for is done on the threads for that.
private struct ListenerChannel: ServerChildChannel {
    let http: HTTP1Channel
    let context: TLSContext?
    let connections: Connections

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        channel.eventLoop.makeCompletedFuture {
            if let context { try channel.pipeline.syncOperations.addHandler(TLSServerHandler(context: context)) }
        }.flatMap {
            http.setup(channel: channel, logger: logger)
        }.flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(RequestWatch(connections), position: .after(decoder))
            if channel.localAddress?.protocol != .unix { Self.askWhetherAlive(channel) }
            return value
        }
    }

    /// A client whose machine is gone says nothing, and a stream in which nothing happens would wait for it for ever: tcp(7).
    private static func askWhetherAlive(_ channel: any Channel) {
        _ = channel.setOption(.socketOption(.so_keepalive), value: 1)
        // After a minute without a word, every 15 s, and at the fourth in vain it is gone.
        for (option, value) in [(TCP_KEEPIDLE, 60), (TCP_KEEPINTVL, 15), (TCP_KEEPCNT, 4)] {
            _ = channel.setOption(.tcpOption(NIOBSDSocket.Option(rawValue: option)), value: .init(value))
        }
    }

    @concurrent
    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        let finder = Client.Finder { [connections] in connections.client(of: value.channel) }
        await Client.$finder.withValue(finder) {
            await withTaskExecutorPreference(WorkerThreads.connections) {
                await serve(value, logger)
            }
        }
    }

    @concurrent
    private func serve(_ value: HTTP1Channel.Value, _ logger: Logger) async {
        await http.handle(value: value, logger: logger)
    }
}

extension HTTPServerBuilder {
    /// The longest head of a request, and the most fields in it: browsers send 2 KB, and filters are long.
    private static let mostHeadBytes = 32 << 10
    private static let mostFields = 100

    /// HTTP/1.1 within the limits of `connections`.
    ///
    /// - Parameter context: of TLS; `nil` for none.
    package static func listener(_ connections: Connections, _ context: TLSContext? = nil) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            let configuration = HTTP1Channel.Configuration(
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: mostHeadBytes, maxHeaderListSize: mostHeadBytes,
                    maxHeaderFieldCount: mostFields))
            return ListenerChannel(
                http: HTTP1Channel(responder: responder, configuration: configuration), context: context,
                connections: connections)
        }
    }

}

/// Lets a listener rest while the process, or the machine, has no more files: accept(2) would fail, and the loop try again at once, for as
/// long as somebody waits. It is to be the first handler of the listener's channel.
final class AcceptRest: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let rest = TimeAmount.milliseconds(500)
    /// So many idle connections make room.
    private static let shed = 16

    private let connections: Connections
    private let logger: Logger
    private var isResting = false
    /// Once a minute at the most: a full disk is worse.
    private var told: NIODeadline?

    init(_ connections: Connections, logger: Logger) {
        self.connections = connections
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError else { return context.fireErrorCaught(error) }
        guard !isResting else { return }
        isResting = true
        connections.shed(Self.shed)
        let now = context.eventLoop.now
        if told.map({ now - $0 >= .minutes(1) }) ?? true {
            told = now
            logger.error(
                "no connection can be accepted: \(SystemError(error.errnoCode)); LimitNOFILE= of the unit may be too low"
            )
        }
        let channel = context.channel
        channel.setOption(.autoRead, value: false).assumeIsolated().whenComplete { [self] _ in
            channel.eventLoop.assumeIsolated().scheduleTask(in: Self.rest) { [self] in
                isResting = false
                _ = channel.setOption(.autoRead, value: true)
            }
        }
    }
}

extension Channel {
    /// Has a listener rest where no connection can be taken.
    package func rest(_ connections: Connections, logger: Logger) async throws {
        try await eventLoop.submit {
            try self.pipeline.syncOperations.addHandler(AcceptRest(connections, logger: logger), position: .first)
        }.get()
    }
}
