import COpenSSL

/// A certificate and those that lead to its root, in that order, as they are in a PEM file.
package final class TLSCertificates: Sendable {
    /// Never changed after `init`, and OpenSSL counts references to them under a lock of its own.
    nonisolated(unsafe) let certificates: [OpaquePointer]

    package var count: Int { certificates.count }

    /// - Throws: `TLSError` for a file that cannot be opened, has none, or holds something that is no certificate.
    package init(pemFile: String) throws(TLSError) {
        var read: [OpaquePointer] = []
        do {
            try PEMFile.reading(pemFile, or: .noCertificate) { (file) throws(TLSError) in
                // Blocks of another kind, such as a key, are passed over.
                while let certificate = PEM_read_bio_X509(file, nil, noPassword, nil) {
                    read.append(certificate)
                }
                guard !read.isEmpty, tw_is_end_of_pem(ERR_peek_last_error()) != 0 else {
                    throw .last(.noCertificate)
                }
            }
        } catch {
            for certificate in read { X509_free(certificate) }
            throw error
        }
        certificates = read
    }

    deinit { for certificate in certificates { X509_free(certificate) } }
}

/// A private key, as it is in a PEM file. One with a password is none: nobody is there to be asked.
package final class TLSPrivateKey: Sendable {
    /// As with the certificates.
    nonisolated(unsafe) let key: OpaquePointer

    /// - Throws: `TLSError` for a file that cannot be opened or has none.
    package init(pemFile: String) throws(TLSError) {
        key = try PEMFile.reading(pemFile, or: .noKey) { (file) throws(TLSError) in
            guard let key = PEM_read_bio_PrivateKey(file, nil, noPassword, nil) else { throw .last(.noKey) }
            return key
        }
    }

    deinit { EVP_PKEY_free(key) }
}

/// Without it OpenSSL asks at the terminal.
private func noPassword(
    _: UnsafeMutablePointer<CChar>?, _: CInt, _: CInt, _: UnsafeMutableRawPointer?
) -> CInt { -1 }

private enum PEMFile {
    static func reading<Value>(
        _ path: String, or kind: TLSError.Kind, _ body: (OpaquePointer) throws(TLSError) -> Value
    ) throws(TLSError) -> Value {
        try OpenSSL.start()
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard let file = BIO_new_file(path, "r") else { throw .last(kind) }
        defer { BIO_free(file) }
        return try body(file)
    }
}

enum OpenSSL {
    /// It is enough once.
    private static let isStarted: Bool = tw_openssl_start() == 1

    static func start() throws(TLSError) { if !isStarted { throw .last(.library) } }
}
