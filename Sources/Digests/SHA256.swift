import COpenSSL
package import Core

/// SHA-256 (FIPS 180-4) of what comes in pieces, by OpenSSL.
///
/// A call that fails is remembered, and ``finalize()`` throws: what was not hashed whole has no digest.
package final class SHA256 {
    /// `nil` from the first call that failed, and after the end.
    private var context: OpaquePointer?

    package init() {
        OpenSSL.start()
        context = EVP_MD_CTX_new()
        if EVP_DigestInit_ex(context, EVP_sha256(), nil) != 1 { give() }
    }

    deinit { EVP_MD_CTX_free(context) }

    private func give() {
        EVP_MD_CTX_free(context)
        context = nil
    }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        guard let context else { return }
        if EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) != 1 { give() }
    }

    package func update(_ bytes: some Collection<UInt8>) {
        let isContiguous: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if isContiguous == nil { Array(bytes).withUnsafeBytes { update($0) } }
    }

    /// The digest of all that came; the hash takes no more after it.
    ///
    /// - Throws: `DigestError` where OpenSSL failed, here or before.
    package func finalize() throws(DigestError) -> Digest {
        guard let context else { throw DigestError() }
        defer { give() }
        return try Digest { bytes, count in EVP_DigestFinal_ex(context, bytes, &count) == 1 }
    }

    /// - Throws: `DigestError` where OpenSSL failed.
    package static func hash(_ bytes: some Collection<UInt8>) throws(DigestError) -> Digest {
        let hash = SHA256()
        hash.update(bytes)
        return try hash.finalize()
    }

    /// HMAC-SHA-256 (RFC 2104).
    ///
    /// - Throws: `DigestError` where OpenSSL failed.
    package static func authenticationCode(
        of message: some Collection<UInt8>, key: some Collection<UInt8>
    ) throws(DigestError) -> Digest {
        OpenSSL.start()
        let (message, key) = (Array(message), Array(key))
        // RFC 2104 has no longest key, but OpenSSL's length is an `int`.
        guard let length = CInt(exactly: key.count) else { throw DigestError() }
        return try Digest { bytes, count in
            HMAC(EVP_sha256(), key, length, message, message.count, bytes, &count) != nil
        }
    }
}

/// 32 bytes of a SHA-256. Two of them are compared in a time that tells nothing of where they differ.
package struct Digest: Sendable, Hashable {
    package static let count = 32

    package let bytes: [UInt8]

    /// - Parameter fill: writes the bytes and their number; returns whether it could.
    fileprivate init(_ fill: (UnsafeMutablePointer<UInt8>?, inout UInt32) -> Bool) throws(DigestError) {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        let isFilled = bytes.withUnsafeMutableBufferPointer { fill($0.baseAddress, &count) }
        guard isFilled, count == Self.count else { throw DigestError() }
        self.bytes = Array(bytes.prefix(Self.count))
    }

    package static func == (one: Digest, other: Digest) -> Bool {
        CRYPTO_memcmp(one.bytes, other.bytes, count) == 0
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    /// 64 digits in lower case.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// OpenSSL has no SHA-256 for us. It fails for want of memory, or where a configuration of its own switched the algorithm off.
package struct DigestError: UserFacingError, Sendable, Hashable {
    package var userError: UserError {
        UserError(
            .unavailable, "OpenSSL cannot compute a SHA-256 on this machine",
            remedy: "see the providers in its openssl.cnf, or set OPENSSL_CONF=/dev/null")
    }
}

enum OpenSSL {
    /// It is enough once, and whoever is first says how.
    private static let isStarted: Bool = tw_openssl_start() == 1

    static func start() { _ = isStarted }
}
