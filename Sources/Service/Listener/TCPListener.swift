import Glibc
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle

/// The daemon's listener on TCP.
struct TCPListener: Service {
    /// A connection on which nothing is asked for so long is closed.
    private static let idleTimeout = TimeAmount.minutes(5)
    /// More wait until one of them is closed: those who come from elsewhere shall not take all the files that the daemon may open.
    private static let mostConnections = 256

    private let configuration: ListenerConfiguration
    private let application: any Service

    /// - Throws: `ListenerError` for certificates that cannot be used.
    init(
        _ configuration: ListenerConfiguration, router: Router<BasicRequestContext>, serverName: String,
        hasToken: Bool, logger: Logger, quietLogger: Logger
    ) throws(ListenerError) {
        self.configuration = configuration
        let http = HTTPServerBuilder.http1(configuration: .init(idleTimeout: Self.idleTimeout))
        let address = configuration.address
        if configuration.tls == nil, !address.isLoopback {
            logger.warning(
                hasToken
                    ? """
                    THE TOKEN GOES OVER THE NETWORK IN THE CLEAR, and whoever sees it may run jobs here: give `listen:` a \
                    `certificate` and a `key`, or listen on 127.0.0.1
                    """
                    : "whoever reaches \(address) can read what this daemon knows, and it goes there in the clear")
        }
        let scheme = configuration.tls == nil ? "http" : "https"
        application = Application(
            router: router,
            server: try configuration.tls.map { files throws(ListenerError) in try Self.tls(files, over: http) }
                ?? http,
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: serverName,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? address.port
                logger.info(
                    "ready on \(scheme)://\(ListenAddress(host: address.host, port: port))\(hasToken ? "" : ", for reading")"
                )
            }, logger: quietLogger)
    }

    func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            throw ListenerError(address: configuration.address, errno: error.errnoCode)
        } catch let error as SocketAddressError {
            throw ListenerError("cannot listen on \(configuration.address): there is no such host (\(error))")
        }
    }

    private static func tls(
        _ files: ListenerConfiguration.TLSFiles, over http: HTTPServerBuilder
    ) throws(ListenerError) -> HTTPServerBuilder {
        func read<Value>(_ file: String, _ what: String, _ body: () throws -> Value) throws(ListenerError) -> Value {
            guard access(file, R_OK) == 0 else {
                throw ListenerError(
                    "the \(what) \(file) cannot be read: \(SystemError(errno)); see `listen:` of taskwatt.yaml")
            }
            do { return try body() } catch {
                throw ListenerError("\(file) holds no \(what) in PEM; see `listen:` of taskwatt.yaml")
            }
        }
        let chain = try read(files.certificate, "certificate") {
            let chain = try NIOSSLCertificate.fromPEMFile(files.certificate)
            if chain.isEmpty { throw NIOSSLError.failedToLoadCertificate }
            return chain
        }
        let key = try read(files.key, "key") { try NIOSSLPrivateKey(file: files.key, format: .pem) }
        var status = stat()
        if stat(files.key, &status) == 0, status.st_mode & (S_IROTH | S_IWOTH) != 0 {
            throw ListenerError("the key \(files.key) is open to everybody on this machine; chmod 640 \(files.key)")
        }
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        do {
            // The builder would find out when the first connection comes.
            _ = try NIOSSLContext(configuration: configuration)
            return try .tls(http, tlsConfiguration: configuration)
        } catch {
            throw ListenerError("the key \(files.key) is not that of the certificate \(files.certificate)")
        }
    }
}

/// Why the daemon cannot listen on TCP, in one line.
package struct ListenerError: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }

    init(address: ListenAddress, errno: CInt) {
        let remedy =
            switch errno {
            case EADDRINUSE: "another program has the port; choose another one"
            case EADDRNOTAVAIL: "this machine has no such address; `ip address` lists those that it has"
            case EACCES: "ports below 1024 are for root; choose a higher one"
            case EAFNOSUPPORT, EPERM:
                "the unit has no network; the README of the service says which lines of a drop-in give it one"
            default: "choose another address"
            }
        description = "cannot listen on \(address): \(SystemError(errno)); \(remedy)"
    }
}
