import CCurl
import Glibc
import Synchronization

/// One call under way: filled on the loop's thread, emptied by the task that asked.
final class Transfer: Sendable {
    /// So many bytes wait for their reader; then the server does.
    private static let mostWaiting = 1 << 18

    private enum End {
        case whole
        case failed(HTTPFailure)
    }

    private struct State {
        var parser = HeadParser()
        var head: HTTPHead?
        var isHeadTooLong = false
        var waiting: [UInt8] = []
        var isPaused = false
        var sent = 0
        var answered = 0
        var end: End?
        /// The tasks that wait for any change.
        var readers: [CheckedContinuation<Void, Never>] = []
    }

    let call: HTTPCall
    let destination: Destination
    let upload: Upload?
    private let loop: TransferLoop
    private let state = Mutex(State())

    init(_ call: HTTPCall, _ destination: Destination, on loop: TransferLoop) {
        self.call = call
        self.destination = destination
        self.loop = loop
        upload = Upload(call)
    }

    // MARK: On the side that asked

    /// Waits for the head of the answer.
    func head() async throws(HTTPFailure) -> HTTPHead {
        await until { $0.head != nil || $0.end != nil }
        return try state.withLock { state throws(HTTPFailure) in
            if case .failed(let failure)? = state.end, failure == .cancelled || state.head == nil { throw failure }
            // libcurl takes a head that breaks off for an end.
            guard let head = state.head else { throw .closed }
            return head
        }
    }

    /// - Returns: `nil` at the end.
    func nextPiece() async throws(HTTPFailure) -> [UInt8]? {
        await until { !$0.waiting.isEmpty || $0.end != nil }
        let (piece, goesOn) = try state.withLock { state throws(HTTPFailure) -> ([UInt8]?, Bool) in
            if state.waiting.isEmpty, case .failed(let failure)? = state.end { throw failure }
            guard !state.waiting.isEmpty else { return (nil, false) }
            defer {
                state.waiting = []
                state.isPaused = false
            }
            return (state.waiting, state.isPaused)
        }
        if goesOn { loop.resume(self) }
        return piece
    }

    /// Ends it at once, for whoever waits and for the server.
    func cancel() {
        guard finish(.failed(.cancelled)) else { return }
        loop.cancel(self)
    }

    /// Returns once `isReady`, which the end of the transfer is to make true; a cancelled task cancels the transfer.
    private func until(_ isReady: @Sendable (State) -> Bool) async {
        await withTaskCancellationHandler {
            while !state.withLock({ isReady($0) }) {
                await withCheckedContinuation { continuation in
                    let isNow = state.withLock { state in
                        if isReady(state) { return true }
                        state.readers.append(continuation)
                        return false
                    }
                    if isNow { continuation.resume() }
                }
            }
        } onCancel: {
            cancel()
        }
    }

    /// - Returns: whether it had not ended before.
    private func finish(_ end: End) -> Bool {
        change { state in
            guard state.end == nil else { return false }
            state.end = end
            if case .failed(.cancelled) = end { state.waiting = [] }
            return true
        }
    }

    private func change<Value: Sendable>(_ body: (inout sending State) -> Value) -> Value {
        let (value, readers) = state.withLock { state in
            let value = body(&state)
            defer { state.readers = [] }
            return (value, state.readers)
        }
        for reader in readers { reader.resume() }
        return value
    }

    // MARK: On the loop's thread

    /// - Returns: whether the request may be sent. libcurl sends one again when a kept connection turns out to be closed,
    ///   and the server may have done what it asked for.
    func willSend() -> Bool {
        state.withLock { state in
            guard call.mayBeSentAgain || state.sent <= state.answered else { return false }
            state.sent += 1
            return state.end == nil
        }
    }

    func takeHead(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        change { state in
            switch state.parser.take(line) {
            case .more: break
            case .tooLong:
                state.isHeadTooLong = true
                return false
            case .complete:
                state.answered += 1
                // This one may ask for digest authentication, and the next is the answer.
                if case .digest? = call.authentication, state.parser.status == 401 { break }
                if state.parser.status >= 200 { state.head = state.parser.head }
            }
            return true
        }
    }

    /// - Returns: what libcurl takes for all, for waiting, and for an end.
    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        change { state in
            guard state.end == nil else { return 0 }
            if state.head == nil { state.head = state.parser.head }
            guard state.waiting.count < Self.mostWaiting else {
                state.isPaused = true
                return TW_CURL_PAUSE
            }
            state.waiting.append(contentsOf: bytes)
            return bytes.count
        }
    }

    func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        upload?.fill(buffer) { [weak self] in
            guard let self else { return }
            loop.resume(self)
        } ?? 0
    }

    /// - Returns: whether the body can be sent from there again.
    func seek(_ offset: Int64) -> Bool { upload?.seek(offset) ?? (offset == 0) }

    /// Whether an answer came that asks for no password.
    var isLetIn: Bool { state.withLock { $0.head.map { $0.status != 401 } ?? false } }

    func fail(_ failure: HTTPFailure) { _ = finish(.failed(failure)) }

    /// - Parameters:
    ///   - code: CURLcode.
    ///   - text: what libcurl says of it.
    func end(code: Int, text: String, errno: Int32, isConnected: Bool) {
        if code == TW_CURLE_OK {
            change { if $0.head == nil, $0.parser.isComplete { $0.head = $0.parser.head } }
            _ = finish(.whole)
        } else {
            fail(failure(code, text, errno, isConnected))
        }
    }

    private func failure(_ code: Int, _ text: String, _ errno: Int32, _ isConnected: Bool) -> HTTPFailure {
        if let problem = upload?.problem { return .bodyUnreadable(problem) }
        let (isTooLong, hasHead) = state.withLock { ($0.isHeadTooLong, $0.head != nil) }
        if isTooLong { return .tooLong }
        switch code {
        case TW_CURLE_URL_MALFORMAT: return .unusable("the address is not a URL that can be asked")
        case TW_CURLE_COULDNT_RESOLVE_HOST, TW_CURLE_COULDNT_RESOLVE_PROXY: return .unresolved
        case TW_CURLE_COULDNT_CONNECT: return .refused(errno: errno)
        case TW_CURLE_PROXY: return .refused(errno: 0)
        case TW_CURLE_OPERATION_TIMEDOUT: return .timedOut(isConnected: isConnected)
        case TW_CURLE_PEER_FAILED_VERIFICATION where text.isAboutName: return .tls(.name)
        case TW_CURLE_PEER_FAILED_VERIFICATION where text.isAboutTime: return .tls(.expired)
        case TW_CURLE_PEER_FAILED_VERIFICATION, TW_CURLE_SSL_ISSUER_ERROR: return .tls(.certificate)
        case TW_CURLE_SSL_CONNECT_ERROR, TW_CURLE_SSL_CIPHER, TW_CURLE_SSL_ENGINE_NOTFOUND: return .tls(.handshake)
        case TW_CURLE_SSL_CACERT_BADFILE: return .tls(.authorities)
        case TW_CURLE_SSL_CERTPROBLEM, TW_CURLE_SSL_CLIENTCERT: return .tls(.ownCertificate)
        // The length of a chunk that is no number comes as an error of receiving.
        case TW_CURLE_RECV_ERROR where text.isAboutChunks: return .notHTTP
        // In TLS 1.3 a server tells what it thinks of a client's certificate after the handshake.
        case TW_CURLE_RECV_ERROR where text.isAlertOfCertificate: return .tls(.ownCertificate)
        case TW_CURLE_GOT_NOTHING, TW_CURLE_SEND_ERROR, TW_CURLE_RECV_ERROR, TW_CURLE_PARTIAL_FILE,
            TW_CURLE_SEND_FAIL_REWIND, TW_CURLE_ABORTED_BY_CALLBACK:
            return .closed
        // What is no HTTP is taken for HTTP/0.9, which is not allowed.
        case TW_CURLE_UNSUPPORTED_PROTOCOL, TW_CURLE_WEIRD_SERVER_REPLY, TW_CURLE_BAD_CONTENT_ENCODING: return .notHTTP
        case TW_CURLE_TOO_LARGE: return .tooLong
        // Before 8.6 a line of a head that is longer than libcurl takes comes as want of memory.
        case TW_CURLE_OUT_OF_MEMORY where isConnected && !hasHead: return .tooLong
        default: return .other(text)
        }
    }
}

extension String {
    /// libcurl's words, lib/vtls/openssl.c: "no alternative certificate subject name matches target host name",
    /// "certificate subject name … does not match target host name". It has one code for all that is wrong with a certificate.
    fileprivate var isAboutName: Bool { contains("subject name") && contains("match") }

    /// OpenSSL's X509_verify_cert_error_string of X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID.
    fileprivate var isAboutTime: Bool { contains("has expired") || contains("not yet valid") }

    fileprivate var isAboutChunks: Bool { lowercased().contains("chunk") }

    /// RFC 8446, 6.2: certificate required, bad certificate, unknown CA and their like.
    fileprivate var isAlertOfCertificate: Bool {
        contains("alert") && (contains("certificate") || contains("unknown ca"))
    }
}
