import NIOCore
import NIOPosix
import Synchronization
import TLS

/// A server on TLS in this process, which the tests' clients ask by lines: it sends each line back, and a few it obeys.
///
/// - `peer`: answers the name in the client's certificate, or `-`.
/// - `large N`: N MiB, no faster than they are taken.
/// - `count N`: takes N bytes, then says how many came and their sum.
/// - `hold`: stops reading until ``LineServer/release()``.
/// - `last`: when the client has said all, `end` comes back.
/// - `quit`: answers, and closes.
final class LineServer: Sendable {
    private struct State {
        var errors: [TLSError] = []
        var open = 0
        var total = 0
        var held: [any Channel] = []
        var given = 0
        var taken = 0
    }

    private let state = Mutex(State())
    private let channel: any Channel

    init(_ context: TLSContext, limits: TLSServerHandler.Limits = .init()) throws {
        let box = Box()
        channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 512)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TLSServerHandler(context: context, limits: limits))
                    try channel.pipeline.syncOperations.addHandler(LineHandler(box))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        box.server = self
    }

    deinit { channel.close(promise: nil) }

    var port: Int { channel.localAddress?.port ?? 0 }
    var errors: [TLSError.Kind] { state.withLock { $0.errors.map(\.kind) } }
    /// Connections that are there.
    var open: Int { state.withLock(\.open) }
    /// Connections that ever were.
    var total: Int { state.withLock(\.total) }
    /// Bytes of `large` that were handed to the channel.
    var given: Int { state.withLock(\.given) }
    /// Bytes that came up to the handler.
    var taken: Int { state.withLock(\.taken) }

    /// Goes on to read what was held.
    func release() {
        for channel in state.withLock(\.held) { channel.setOption(.autoRead, value: true).whenComplete { _ in } }
    }

    fileprivate func note(_ error: any Error) {
        if let error = error as? TLSError { state.withLock { $0.errors.append(error) } }
    }
    fileprivate func opened() {
        state.withLock {
            $0.open += 1
            $0.total += 1
        }
    }
    fileprivate func closed() { state.withLock { $0.open -= 1 } }
    fileprivate func hold(_ channel: any Channel) { state.withLock { $0.held.append(channel) } }
    fileprivate func gave(_ count: Int) { state.withLock { $0.given += count } }
    fileprivate func took(_ count: Int) { state.withLock { $0.taken += count } }

    fileprivate final class Box: Sendable {
        private struct Weak { weak var server: LineServer? }
        private let held = Mutex(Weak())
        var server: LineServer? {
            get { held.withLock(\.server) }
            set { held.withLock { $0.server = newValue } }
        }
    }
}

private final class LineHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 64 * 1024)

    private let box: LineServer.Box
    private var received = ByteBuffer()
    /// Pieces of `large` that are still to be sent.
    private var pieces = 0
    private var isGiving = false
    private var isFinishing = false
    /// Bytes of `count` that are still to come, and the sum of those that came.
    private var expected: (left: Int, count: Int, sum: UInt64)?

    private var isEndToldOf = false

    init(_ box: LineServer.Box) { self.box = box }

    func channelActive(context: ChannelHandlerContext) { box.server?.opened() }
    func channelInactive(context: ChannelHandlerContext) { box.server?.closed() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        box.server?.took(bytes.readableBytes)
        received.writeBuffer(&bytes)
        obey(context)
    }

    private func obey(_ context: ChannelHandlerContext) {
        while true {
            if var counted = expected {
                let part = received.readBytes(length: min(counted.left, received.readableBytes)) ?? []
                counted.left -= part.count
                counted.count += part.count
                for byte in part { counted.sum &+= UInt64(byte) }
                expected = counted.left > 0 ? counted : nil
                if counted.left > 0 { break }
                answer("\(counted.count) \(counted.sum)", context)
            }
            guard let end = received.readableBytesView.firstIndex(of: UInt8(ascii: "\n")),
                let line = received.readString(length: end + 1 - received.readerIndex)?.dropLast()
            else { break }
            let words = line.split(separator: " ")
            let number = words.last.flatMap { Int($0) } ?? 0
            switch words.first {
            case "peer":
                let handler = try? context.pipeline.syncOperations.handler(type: TLSServerHandler.self)
                answer(handler?.peer ?? "-", context)
            case "large":
                pieces += number * 16
                give(context)
            case "count": expected = (number, 0, 0)
            case "hold":
                context.channel.setOption(.autoRead, value: false).whenComplete { _ in }
                box.server?.hold(context.channel)
            case "last":
                isEndToldOf = true
                answer("last", context)
            case "quit":
                answer("bye", context)
                context.close(promise: nil)
            case "finish":
                isFinishing = true
                give(context)
            default: answer(String(line), context)
            }
        }
        received.discardReadBytes()
    }

    private func answer(_ line: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: line + "\n")), promise: nil)
    }

    private func give(_ context: ChannelHandlerContext) {
        guard !isGiving else { return }
        isGiving = true
        while pieces > 0, context.channel.isWritable {
            pieces -= 1
            box.server?.gave(Self.piece.readableBytes)
            context.writeAndFlush(wrapOutboundOut(Self.piece), promise: nil)
        }
        isGiving = false
        // After all that it was asked for, as fast as that is taken.
        guard isFinishing, pieces == 0 else { return }
        isFinishing = false
        answer("bye", context)
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { give(context) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return }
        // Whoever has said all is still answered.
        if isEndToldOf { answer("end", context) }
        context.close(mode: .output, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { box.server?.note(error) }
}
