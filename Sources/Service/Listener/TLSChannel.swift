import HummingbirdCore
import Logging
import NIOCore
import TLS

/// A connection that speaks HTTP/1.1 on TLS.
private struct TLSChannel: ServerChildChannel {
    let http: HTTP1Channel
    let context: TLSContext

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(TLSServerHandler(context: context))
        }.flatMap { http.setup(channel: channel, logger: logger) }
    }

    @concurrent
    func handle(value: HTTP1Channel.Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}

extension HTTPServerBuilder {
    static func https(_ configuration: HTTP1Channel.Configuration, _ context: TLSContext) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            TLSChannel(http: HTTP1Channel(responder: responder, configuration: configuration), context: context)
        }
    }
}
