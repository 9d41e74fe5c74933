import Glibc
import Host
import TLS

extension ListenerConfiguration.TLSFiles {
    /// What the files hold.
    ///
    /// - Throws: `ListenerError` for files that cannot be read, hold something else, do not belong together, or are open to
    ///   everybody.
    func context() throws(ListenerError) -> TLSContext {
        let (certificates, privateKey) = (try certificates(), try privateKey())
        do { return try TLSContext(certificates: certificates, key: privateKey) } catch {
            switch error.kind {
            case .mismatch: throw ListenerError("the key \(key) does not match the certificate \(certificate)")
            case .refused:
                throw ListenerError("OpenSSL refuses the certificate \(certificate) or its key: \(error.reason)")
            default: throw ListenerError("\(error)")
            }
        }
    }

    func certificates() throws(ListenerError) -> TLSCertificates {
        try read(certificate, "certificate") { () throws(TLSError) in try TLSCertificates(pemFile: certificate) }
    }

    func privateKey() throws(ListenerError) -> TLSPrivateKey {
        let privateKey = try read(key, "key") { () throws(TLSError) in try TLSPrivateKey(pemFile: key) }
        if FileOwners.isOpenToAll(key) {
            throw ListenerError("everybody on this machine can read the key \(key); chmod 640 \(key)")
        }
        return privateKey
    }

    private func read<Value>(
        _ file: String, _ what: String, _ body: () throws(TLSError) -> Value
    ) throws(ListenerError) -> Value {
        guard access(file, R_OK) == 0 else {
            throw ListenerError(
                "the \(what) \(file) cannot be read: \(SystemError(errno)); see `listen:` of taskwatt.yaml")
        }
        do { return try body() } catch {
            // Not that of the file: then no file would do.
            guard error.kind != .library else { throw ListenerError("\(error)") }
            throw ListenerError("\(file) has no \(what) in PEM; see `listen:` of taskwatt.yaml")
        }
    }
}
