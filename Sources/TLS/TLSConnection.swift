import COpenSSL

/// The server's side of one connection: ciphertext goes in and comes out through memory, and so nothing waits here.
///
/// OpenSSL's queue of errors is one a thread, and what another connection left in it would be taken for an error of this one
/// (SSL_get_error(3)): so every call clears it before.
struct TLSConnection: ~Copyable {
    enum Progress {
        case done
        case needsMore
        case failed(TLSError)
    }

    enum Outcome {
        case bytes(Int)
        case nothingYet
        /// The other side said that nothing follows (close_notify).
        case end
        case failed(TLSError)
    }

    private let ssl: OpaquePointer
    /// They belong to `ssl`.
    private let input: OpaquePointer
    private let output: OpaquePointer

    init(_ context: TLSContext) throws(TLSError) {
        ERR_clear_error()
        guard let ssl = SSL_new(context.context) else { throw .last(.library) }
        guard let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem()) else {
            SSL_free(ssl)
            throw .last(.library)
        }
        SSL_set_bio(ssl, input, output)
        SSL_set_accept_state(ssl)
        (self.ssl, self.input, self.output) = (ssl, input, output)
    }

    deinit { SSL_free(ssl) }

    // MARK: Ciphertext

    /// - Returns: whether there was memory for it.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let count = CInt(exactly: bytes.count) else { return false }
        ERR_clear_error()
        return count == 0 || BIO_write(input, bytes.baseAddress, count) == count
    }

    /// The bytes that wait to be sent.
    var waiting: Int { BIO_ctrl_pending(output) }

    func send(into bytes: UnsafeMutableRawBufferPointer) -> Int {
        ERR_clear_error()
        return max(0, Int(BIO_read(output, bytes.baseAddress, CInt(clamping: bytes.count))))
    }

    // MARK: What it does

    func handshake() -> Progress {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 { return .done }
        if SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ { return .needsMore }
        return .failed(.last(.handshake))
    }

    func read(into bytes: UnsafeMutableRawBufferPointer) -> Outcome {
        ERR_clear_error()
        var count = 0
        let result = SSL_read_ex(ssl, bytes.baseAddress, bytes.count, &count)
        if result == 1 { return .bytes(count) }
        return switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: .nothingYet
        case SSL_ERROR_ZERO_RETURN: .end
        default: .failed(.last(.record))
        }
    }

    /// - Parameter bytes: not empty.
    /// - Throws: `TLSError`; memory takes all that is given, so that there is nothing to wait for.
    func write(_ bytes: UnsafeRawBufferPointer) throws(TLSError) {
        ERR_clear_error()
        var count = 0
        guard SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &count) == 1, count == bytes.count else {
            throw .last(.record)
        }
    }

    /// Says to the other side that nothing follows.
    func finish() {
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
    }

    // MARK: The other side

    /// The name in the client's certificate, which has been verified, such as `CN=lab7,O=Example` (RFC 2253); `nil` where it
    /// showed none.
    var peer: String? {
        ERR_clear_error()
        guard SSL_get_verify_result(ssl) == Int(X509_V_OK), let certificate = tw_ssl_peer(ssl) else { return nil }
        defer { X509_free(certificate) }
        guard let text = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(text) }
        guard let name = X509_get_subject_name(certificate), tw_print_name(text, name) >= 0 else { return nil }
        var start: UnsafeMutablePointer<CChar>?
        let count = tw_bio_text(text, &start)
        guard let start, count > 0 else { return "" }
        return String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// The protocol's name, such as `TLSv1.3`.
    var version: String { String(cString: SSL_get_version(ssl)) }
}
