import Synchronization

/// Asks over HTTP/1.1, by libcurl on a thread of its own, and keeps connections.
///
/// No redirect is followed, for whoever leads elsewhere would be given the credentials; no answer is decompressed, for a
/// small one could hide a large one. A proxy of the environment is used (`http_proxy`, `https_proxy`, `no_proxy`), but
/// not for what is on this machine. Certificates are verified with the system's.
package final class HTTPClient: Sendable {
    private enum State {
        case idle
        case running(TransferLoop)
        case closed
    }

    private let library: String
    private let connectionsPerHost: Int
    private let state = Mutex(State.idle)

    /// - Parameters:
    ///   - connectionsPerHost: the most at a time; further calls wait for their turn. 0 is no limit.
    ///   - library: the file of libcurl, where it is not the system's.
    package init(connectionsPerHost: Int = 0, library: String? = nil) {
        self.connectionsPerHost = connectionsPerHost
        self.library = library ?? CurlLibrary.name
    }

    deinit { close() }

    /// Sends a call, and returns when the head of its answer is there; its body is still to be read.
    ///
    /// - Throws: `HTTPFailure.cancelled` when the task is cancelled, at once.
    package func send(_ call: HTTPCall) async throws(HTTPFailure) -> HTTPAnswer {
        let destination = try Destination(call)
        let loop = try runningLoop()
        let transfer = Transfer(call, destination, on: loop)
        loop.start(transfer)
        // From here on whoever lets go of the body ends the transfer.
        let body = HTTPBody(transfer)
        return HTTPAnswer(head: try await transfer.head(), body: body)
    }

    /// Sends a call and takes its whole answer, of so many bytes at most.
    package func fetch(
        _ call: HTTPCall, upTo limit: Int
    ) async throws(HTTPFailure) -> (head: HTTPHead, body: [UInt8]) {
        let answer = try await send(call)
        return (answer.head, try await answer.body.collect(upTo: limit))
    }

    /// Ends all that is under way, and the connections.
    package func close() {
        let loop = state.withLock { state -> TransferLoop? in
            defer { state = .closed }
            if case .running(let loop) = state { return loop }
            return nil
        }
        loop?.close()
    }

    private func runningLoop() throws(HTTPFailure) -> TransferLoop {
        try state.withLock { state throws(HTTPFailure) in
            switch state {
            case .running(let loop): return loop
            case .closed: throw .cancelled
            case .idle:
                let opened =
                    library == CurlLibrary.name
                    ? try CurlLibrary.system.get() : try CurlLibrary(file: library)
                let loop = try TransferLoop(opened, connectionsPerHost: connectionsPerHost)
                state = .running(loop)
                return loop
            }
        }
    }
}
