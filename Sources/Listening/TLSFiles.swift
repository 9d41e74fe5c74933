import Core
import Glibc
import Host
import TLS

extension ListenerConfiguration.TLSFiles {
    /// What the files hold.
    ///
    /// - Throws: `UserError` for files that cannot be read, hold something else, do not belong together, or are open to
    ///   everybody.
    func context(clients: TLSContext.Clients? = nil) throws(UserError) -> TLSContext {
        let (certificates, privateKey) = (try certificates(), try privateKey())
        do { return try TLSContext(certificates: certificates, key: privateKey, clients: clients) } catch {
            switch error.kind {
            case .mismatch: throw UserError(.failed, "the key \(key) does not match the certificate \(certificate)")
            case .refused:
                throw UserError(
                    .failed, "OpenSSL refuses the certificate \(certificate) or its key: \(error.reason)")
            default: throw UserError(.failed, "\(error)")
            }
        }
    }

    func certificates() throws(UserError) -> TLSCertificates {
        try read(certificate, "certificate") { () throws(TLSError) in try TLSCertificates(pemFile: certificate) }
    }

    func privateKey() throws(UserError) -> TLSPrivateKey {
        let privateKey = try read(key, "key") { () throws(TLSError) in try TLSPrivateKey(pemFile: key) }
        if FileOwners.isOpenToAll(key) {
            throw UserError(
                .notAllowed, "the key \(key) is open to everybody on this machine", remedy: "chmod 640 \(key)")
        }
        return privateKey
    }

    private func read<Value>(
        _ file: String, _ what: String, _ body: () throws(TLSError) -> Value
    ) throws(UserError) -> Value {
        guard access(file, R_OK) == 0 else {
            throw UserError(
                .failed, "the \(what) \(file) cannot be read: \(SystemError(errno))",
                remedy: "see `listen:` of taskwatt.yaml")
        }
        do { return try body() } catch {
            // Not that of the file: then no file would do.
            guard error.kind != .library else { throw UserError(.failed, "\(error)") }
            throw UserError(
                .failed, "\(file) holds no \(what) in PEM", remedy: "see `listen:` of taskwatt.yaml")
        }
    }
}
