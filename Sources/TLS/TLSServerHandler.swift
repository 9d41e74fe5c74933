package import NIOCore

/// The server's side of TLS in a channel: ciphertext below it, plaintext above.
///
/// It is to be the first handler of a channel. It reads no more than is asked for from above, encrypts no more than the channel
/// takes, and says goodbye (close_notify) before it closes. A client's half-closure goes on as `ChannelEvent.inputClosed`; one
/// that goes away without a word is `TLSError.truncated` before it.
package final class TLSServerHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// How long the other side may take.
    package struct Limits: Sendable {
        /// For the whole handshake, however often it sends a byte.
        package var handshake = TimeAmount.seconds(10)
        /// To take what is left and to close its side, when this side is closed.
        package var farewell = TimeAmount.seconds(5)

        package init() {}
    }

    private enum State {
        case handshaking
        case open
        /// All is over, but for the channel's closing.
        case closed
    }

    /// TLS's own: the longest plaintext of a record (RFC 8446, 5.1).
    static let recordBytes = 16384
    private static let batchBytes = 4 * recordBytes
    /// Of answers that nobody asked for from above, such as those to key updates: a client that makes some and takes none is
    /// read no further.
    private static let mostControlBytes = 64 * 1024

    private let connection: TLSConnection
    private let limits: Limits
    private var state = State.handshaking

    // What comes in.
    private var isInputEnded = false
    /// Whether something came of what was read since the last time that a read was complete.
    private var hasDelivered = false
    private var controlBytes = 0
    private var isReadHeld = false

    // What goes out.
    private var pending = MarkedCircularBuffer<(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)>(
        initialCapacity: 8)
    private var isEncrypting = false
    private enum Output {
        case open
        /// Closed as soon as what is pending is gone.
        case ending
        /// The goodbye is on its way.
        case ended
        case closed
    }
    private var output = Output.open
    private var outputPromise: EventLoopPromise<Void>?

    /// All is to be closed.
    private var isClosing = false
    private var closePromise: EventLoopPromise<Void>?
    private var timer: Scheduled<Void>?

    /// - Throws: `TLSError` for want of memory.
    package init(context: TLSContext, limits: Limits = Limits()) throws(TLSError) {
        connection = try TLSConnection(context)
        self.limits = limits
    }

    // MARK: The other side

    /// The name in the client's certificate, which has been verified, such as `CN=lab7,O=Example` (RFC 2253); `nil` before the
    /// handshake's end and where it showed none. On the channel's loop only.
    package var peer: String? { state == .handshaking ? nil : connection.peer }

    /// Of a channel that has such a handler.
    package static func peer(of channel: any Channel) -> EventLoopFuture<String?> {
        channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: TLSServerHandler.self).peer
        }
    }

    // MARK: Life

    package func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    package func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard state == .handshaking, timer == nil else { return }
        after(limits.handshake, context) { handler in
            if handler.state == .handshaking { handler.fail(TLSError(.handshakeTimeout), context) }
        }
    }

    /// One at a time: the handshake's is over when the farewell's begins.
    private func after(
        _ time: TimeAmount, _ context: ChannelHandlerContext, _ body: @escaping (TLSServerHandler) -> Void
    ) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
            if let self { body(self) }
        }
    }

    package func channelInactive(context: ChannelHandlerContext) {
        let wasHandshaking = state == .handshaking
        let isTruncated = state == .open && !isInputEnded && !isClosing
        end(ChannelError.ioOnClosedChannel)
        if wasHandshaking || isTruncated {
            context.fireErrorCaught(TLSError(wasHandshaking ? .handshake : .truncated))
        }
        context.fireChannelInactive()
    }

    package func handlerRemoved(context: ChannelHandlerContext) { end(ChannelError.ioOnClosedChannel) }

    /// Lets go of all that waits.
    private func end(_ error: any Error) {
        state = .closed
        timer?.cancel()
        timer = nil
        let (waiting, outputPromise, closePromise) = (pending, outputPromise, closePromise)
        pending = MarkedCircularBuffer(initialCapacity: 0)
        (self.outputPromise, self.closePromise) = (nil, nil)
        for write in waiting { write.promise?.fail(error) }
        outputPromise?.fail(error)
        closePromise?.succeed(())
    }

    private func fail(_ error: TLSError, _ context: ChannelHandlerContext) {
        guard state != .closed else { return }
        // An alert tells the other side why.
        sendControl(context)
        let promise = closePromise
        closePromise = nil
        end(error)
        context.fireErrorCaught(error)
        context.close(mode: .all, promise: promise)
    }

    // MARK: Reading

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        // In pieces, so that OpenSSL's buffers stay small: they keep the size that they once had.
        while state != .closed, let piece = bytes.readSlice(length: min(bytes.readableBytes, Self.recordBytes)),
            piece.readableBytes > 0
        {
            guard piece.withUnsafeReadableBytes({ connection.receive($0) }) else {
                return fail(TLSError(.library), context)
            }
            if state == .handshaking { handshake(context) }
            if state == .open { readPlaintext(context) }
        }
    }

    private func handshake(_ context: ChannelHandlerContext) {
        switch connection.handshake() {
        case .needsMore: sendControl(context)
        case .failed(let error): fail(error, context)
        case .done:
            state = .open
            timer?.cancel()
            timer = nil
            sendControl(context)
            encrypt(context)
        }
    }

    private func readPlaintext(_ context: ChannelHandlerContext) {
        reading: while state == .open, !isInputEnded {
            var buffer = context.channel.allocator.buffer(capacity: Self.recordBytes)
            var outcome = TLSConnection.Outcome.nothingYet
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.recordBytes) { bytes in
                outcome = connection.read(into: bytes)
                if case .bytes(let count) = outcome { return count }
                return 0
            }
            switch outcome {
            case .bytes:
                // Nobody is there any more to whom it would matter.
                if !isClosing {
                    hasDelivered = true
                    context.fireChannelRead(wrapInboundOut(buffer))
                }
            case .nothingYet: break reading
            case .end:
                isInputEnded = true
                context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                if output == .closed { close(context) }
            case .failed(let error): return fail(error, context)
            }
        }
        sendControl(context)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // Above nobody asks for more while there is nothing to see: in the handshake, at the end; and who reads by hand has asked
        // for something, of which a part of a record is nothing yet.
        let isAlone = state == .handshaking || isClosing || output == .closed
        let isAutomatic = (try? context.channel.syncOptions?.getOption(.autoRead)) ?? true
        let isUnanswered = !isAutomatic && !hasDelivered
        hasDelivered = false
        if state != .closed, isAlone || isUnanswered { read(context: context) }
    }

    package func read(context: ChannelHandlerContext) {
        if controlBytes > Self.mostControlBytes { isReadHeld = true } else { context.read() }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        switch state {
        case .closed: context.fireUserInboundEventTriggered(event)
        case .handshaking: fail(TLSError(.handshake, "it ended"), context)
        case .open:
            if !isInputEnded {
                isInputEnded = true
                if !isClosing {
                    context.fireErrorCaught(TLSError(.truncated))
                    context.fireUserInboundEventTriggered(event)
                }
            }
            if output == .closed { close(context) }
        }
    }

    // MARK: Writing

    /// What OpenSSL has to say of its own accord.
    private func sendControl(_ context: ChannelHandlerContext) {
        let count = connection.waiting
        guard count > 0 else { return }
        var bytes = context.channel.allocator.buffer(capacity: count)
        takeWaiting(into: &bytes)
        controlBytes += count
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { [self] _ in
            controlBytes -= count
            if isReadHeld, controlBytes <= Self.mostControlBytes {
                isReadHeld = false
                if state != .closed { context.read() }
            }
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: sent)
    }

    private func takeWaiting(into bytes: inout ByteBuffer) {
        let count = connection.waiting
        if count > 0 { bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { connection.send(into: $0) } }
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard state != .closed, !isClosing else { return fail(promise, .ioOnClosedChannel) }
        guard output == .open else { return fail(promise, .outputClosed) }
        pending.append((unwrapOutboundIn(data), promise))
    }

    private func fail(_ promise: EventLoopPromise<Void>?, _ error: ChannelError) { promise?.fail(error) }

    package func flush(context: ChannelHandlerContext) {
        pending.mark()
        encrypt(context)
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { encrypt(context) }
        context.fireChannelWritabilityChanged()
    }

    /// As much as the channel takes: what it does not take yet stays as it is, and is not there twice.
    private func encrypt(_ context: ChannelHandlerContext) {
        guard state == .open, !isEncrypting else { return }
        isEncrypting = true
        while state == .open, pending.hasMark, context.channel.isWritable {
            var batch = context.channel.allocator.buffer(capacity: Self.recordBytes)
            var promises: [EventLoopPromise<Void>] = []
            do {
                while pending.hasMark, batch.readableBytes < Self.batchBytes {
                    try encryptRecord(into: &batch, &promises)
                }
            } catch {
                isEncrypting = false
                for promise in promises { promise.fail(error) }
                return fail(error, context)
            }
            let sent = context.eventLoop.makePromise(of: Void.self)
            for promise in promises { sent.futureResult.cascade(to: promise) }
            context.writeAndFlush(wrapOutboundOut(batch), promise: sent)
        }
        isEncrypting = false
        if state == .open, output == .ending, !pending.hasMark { sayGoodbye(context) }
    }

    private func encryptRecord(
        into batch: inout ByteBuffer, _ promises: inout [EventLoopPromise<Void>]
    ) throws(TLSError) {
        let first = pending.startIndex
        let bytes = pending[first].bytes
        let count = min(bytes.readableBytes, Self.recordBytes)
        if count > 0 {
            var result = Result<Void, TLSError>.success(())
            bytes.withUnsafeReadableBytes { all in
                result = Result { () throws(TLSError) in try connection.write(.init(rebasing: all.prefix(count))) }
            }
            try result.get()
            takeWaiting(into: &batch)
        }
        if count == bytes.readableBytes {
            if let promise = pending.removeFirst().promise { promises.append(promise) }
        } else {
            pending[first].bytes.moveReaderIndex(forwardBy: count)
        }
    }

    // MARK: Closing

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard state == .open else {
            // There is nobody to say goodbye to.
            if state == .handshaking { end(ChannelError.ioOnClosedChannel) }
            return context.close(mode: mode, promise: promise)
        }
        switch mode {
        // TLS has no way to say so.
        case .input: fail(promise, .operationUnsupported)
        case .output:
            guard output == .open else { return fail(promise, .outputClosed) }
            outputPromise = promise
            endOutput(context)
        case .all:
            if let closePromise {
                closePromise.futureResult.cascade(to: promise)
            } else {
                closePromise = promise
            }
            guard !isClosing else { return }
            isClosing = true
            after(limits.farewell, context) { $0.close(context) }
            switch output {
            case .open: endOutput(context)
            case .closed where isInputEnded: close(context)
            case .ending, .ended, .closed: read(context: context)
            }
        }
    }

    private func endOutput(_ context: ChannelHandlerContext) {
        output = .ending
        pending.mark()
        encrypt(context)
        if isClosing, state == .open { read(context: context) }
    }

    private func sayGoodbye(_ context: ChannelHandlerContext) {
        output = .ended
        connection.finish()
        var bytes = context.channel.allocator.buffer(capacity: 64)
        takeWaiting(into: &bytes)
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { [self] _ in
            guard state == .open else { return }
            output = .closed
            // Whoever closes both ways has what the kernel holds for the other side thrown away if something came meanwhile; so
            // this side first, and the rest when the other side has ended, or takes too long for it.
            if isInputEnded { return close(context) }
            let promise = outputPromise
            outputPromise = nil
            context.close(mode: .output, promise: promise)
            if !isClosing { after(limits.farewell, context) { $0.close(context) } }
            if state == .open { read(context: context) }
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: sent)
    }

    /// The channel itself, at once.
    private func close(_ context: ChannelHandlerContext) {
        guard state == .open else { return }
        let (output, all) = (outputPromise, closePromise)
        (outputPromise, closePromise) = (nil, nil)
        end(ChannelError.ioOnClosedChannel)
        output?.succeed(())
        context.close(mode: .all, promise: all)
    }
}
