import COpenSSL

/// What all connections of a server have in common: its certificate, its key and whom it lets in.
///
/// TLS 1.2 and 1.3. Of 1.2's suites those with ephemeral keys and authenticated encryption, as RFC 9325 (4.2) recommends, 1.3 has no
/// others; HTTP/1.1 for whoever asks by ALPN (RFC 7301); no renegotiation and
/// no compression. Sessions are resumed by tickets, of which the server keeps nothing.
package final class TLSContext: Sendable {
    /// Whose certificates a client may show.
    package struct Clients: Sendable, Hashable {
        /// PEM, the roots that a client's certificate has to lead to.
        package var authorities: String
        /// Whether one without a certificate is turned away.
        package var isRequired: Bool

        package init(authorities: String, isRequired: Bool) {
            self.authorities = authorities
            self.isRequired = isRequired
        }
    }

    /// ciphers(1): ECDHE with AES-GCM or ChaCha20-Poly1305.
    private static let suites = "ECDHE+AESGCM:ECDHE+CHACHA20"

    /// Never changed after `init`; SSL_new(3) takes what it needs under locks of its own.
    nonisolated(unsafe) let context: OpaquePointer

    /// - Throws: `TLSError` for a certificate and a key that are no pair, or that OpenSSL does not take.
    package init(certificates: TLSCertificates, key: TLSPrivateKey, clients: Clients? = nil) throws(TLSError) {
        try OpenSSL.start()
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard let context = SSL_CTX_new(TLS_server_method()) else { throw .last(.library) }
        // From here on it is freed with `self`.
        self.context = context
        guard tw_ssl_set_versions(context, TLS1_2_VERSION, TLS1_3_VERSION) == 1 else { throw .last(.library) }
        guard SSL_CTX_set_cipher_list(context, Self.suites) == 1 else { throw .last(.library) }
        tw_ssl_server_options(context)
        tw_ssl_release_buffers(context)
        tw_ssl_keep_no_sessions(context)
        try use(certificates, key)
        if let clients { try admit(clients) }
        // A session of this server is of no use anywhere else; where clients show certificates OpenSSL insists on it.
        let name = Array("taskwatt".utf8)
        guard SSL_CTX_set_session_id_context(context, name, UInt32(clamping: name.count)) == 1 else {
            throw .last(.library)
        }
        SSL_CTX_set_alpn_select_cb(context, selectHTTP1, nil)
    }

    /// Of PEM files.
    ///
    /// - Throws: `TLSError`, for files that hold something else too.
    package convenience init(certificate: String, key: String, clients: Clients? = nil) throws(TLSError) {
        try self.init(
            certificates: TLSCertificates(pemFile: certificate), key: TLSPrivateKey(pemFile: key), clients: clients)
    }

    deinit { SSL_CTX_free(context) }

    private func use(_ chain: TLSCertificates, _ key: TLSPrivateKey) throws(TLSError) {
        guard let own = chain.certificates.first else { throw TLSError(.noCertificate) }
        guard X509_check_private_key(own, key.key) == 1 else { throw .last(.mismatch) }
        guard SSL_CTX_use_certificate(context, own) == 1 else { throw .last(.refused) }
        for certificate in chain.certificates.dropFirst() {
            guard tw_ssl_add_chain(context, certificate) == 1 else { throw .last(.refused) }
        }
        guard SSL_CTX_use_PrivateKey(context, key.key) == 1 else { throw .last(.refused) }
    }

    private func admit(_ clients: Clients) throws(TLSError) {
        guard SSL_CTX_load_verify_locations(context, clients.authorities, nil) == 1,
            let names = SSL_load_client_CA_file(clients.authorities)
        else { throw .last(.noCertificate) }
        // It takes the list over.
        SSL_CTX_set_client_CA_list(context, names)
        let required = clients.isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nil)
    }
}

/// Picks http/1.1 out of the protocols that the client offers, each behind its length (RFC 7301, 3.1); a client that offers
/// others alone would speak them, and is told at once.
private func selectHTTP1(
    _: OpaquePointer?, chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?, length: UnsafeMutablePointer<UInt8>?,
    offered: UnsafePointer<UInt8>?, count: UInt32, _: UnsafeMutableRawPointer?
) -> CInt {
    guard let offered, let chosen, let length else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let bytes = UnsafeBufferPointer(start: offered, count: Int(count))
    var index = 0
    while index < bytes.count {
        let (start, end) = (index + 1, index + 1 + Int(bytes[index]))
        guard end <= bytes.count else { break }
        if bytes[start..<end].elementsEqual("http/1.1".utf8) {
            chosen.pointee = offered + start
            length.pointee = UInt8(clamping: end - start)
            return SSL_TLSEXT_ERR_OK
        }
        index = end
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
}
