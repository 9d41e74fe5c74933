import Glibc
import NIOSSL

extension ListenerConfiguration.TLSFiles {
    /// What the files hold.
    ///
    /// - Throws: `ListenerError` for files that cannot be read, hold something else, do not belong together, or are open to
    ///   everybody.
    func configuration() throws(ListenerError) -> TLSConfiguration {
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try certificates().map { .certificate($0) }, privateKey: .privateKey(try privateKey()))
        // Whether they fit would come out with the first connection.
        do { _ = try NIOSSLContext(configuration: configuration) } catch {
            throw ListenerError("the key \(key) is not that of the certificate \(certificate)")
        }
        return configuration
    }

    func certificates() throws(ListenerError) -> [NIOSSLCertificate] {
        try read(certificate, "certificate") {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate)
            if chain.isEmpty { throw NIOSSLError.failedToLoadCertificate }
            return chain
        }
    }

    func privateKey() throws(ListenerError) -> NIOSSLPrivateKey {
        let privateKey = try read(key, "key") { try NIOSSLPrivateKey(file: key, format: .pem) }
        var status = stat()
        if stat(key, &status) == 0, status.st_mode & (S_IROTH | S_IWOTH) != 0 {
            throw ListenerError("the key \(key) is open to everybody on this machine; chmod 640 \(key)")
        }
        return privateKey
    }

    private func read<Value>(
        _ file: String, _ what: String, _ body: () throws -> Value
    ) throws(ListenerError) -> Value {
        guard access(file, R_OK) == 0 else {
            throw ListenerError(
                "the \(what) \(file) cannot be read: \(SystemError(errno)); see `listen:` of taskwatt.yaml")
        }
        do { return try body() } catch {
            throw ListenerError("\(file) holds no \(what) in PEM; see `listen:` of taskwatt.yaml")
        }
    }
}
