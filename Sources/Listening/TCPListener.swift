package import Core
import Glibc
package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
package import TLS

/// The daemon's listener on TCP.
package struct TCPListener: Service {
    private let configuration: ListenerConfiguration
    private let application: any Service

    /// - Parameters:
    ///   - clients: whose certificates a client may show.
    ///   - whenReady: is called when it listens.
    /// - Throws: `UserError` for certificates that cannot be used.
    package init(
        _ configuration: ListenerConfiguration, router: Router<BasicRequestContext>, serverName: String,
        hasToken: Bool, limits: ConnectionLimits = .tcp, clients: TLSContext.Clients? = nil, logger: Logger,
        quietLogger: Logger, whenReady: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) throws(UserError) {
        self.configuration = configuration
        let address = configuration.address
        if configuration.tls == nil, !address.isLoopback {
            logger.warning(
                hasToken
                    ? """
                    THE TOKEN GOES OVER THE NETWORK IN THE CLEAR, and everybody who sees it can run jobs here: give `listen:` a \
                    `certificate` and a `key`, or listen on 127.0.0.1
                    """
                    : "everybody who reaches \(address) can read what this daemon knows, without encryption")
        }
        let connections = Connections(limits)
        let server = HTTPServerBuilder.listener(connections, try configuration.tls?.context(clients: clients))
        let scheme = configuration.tls == nil ? "http" : "https"
        application = Application(
            router: router,
            server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: serverName),
            onServerRunning: { channel in
                try? await channel.rest(connections, logger: logger)
                let port = channel.localAddress?.port ?? address.port
                logger.info(
                    "ready on \(scheme)://\(ListenAddress(host: address.host, port: port))\(hasToken ? "" : ", for reading")"
                )
                whenReady(port)
            }, logger: quietLogger)
    }

    package func run() async throws {
        try await Self.naming(configuration.address) { try await application.run() }
    }

    /// Listens for a moment, so that what is wrong is said before anything is begun.
    ///
    /// - Throws: `UserError`.
    package static func check(_ address: ListenAddress) async throws {
        try await naming(address) {
            try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: address.host, port: address.port).get().close()
        }
    }

    private static func naming(_ address: ListenAddress, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as IOError {
            throw cannotListen(on: address, errno: error.errnoCode)
        } catch let error as SocketAddressError {
            throw UserError(.failed, "cannot listen on \(address): there is no such host (\(error))")
        }
    }

    private static func cannotListen(on address: ListenAddress, errno: CInt) -> UserError {
        let remedy =
            switch errno {
            case EADDRINUSE: "another program has the port; choose another one"
            case EADDRNOTAVAIL: "this machine has no such address; `ip address` lists its addresses"
            case EACCES: "ports below 1024 are for root; choose a higher one"
            case EAFNOSUPPORT, EPERM:
                "the unit has no network; the README of the service has a drop-in that gives it one"
            default: "choose another address"
            }
        return UserError(.failed, "cannot listen on \(address): \(SystemError(errno))", remedy: remedy)
    }
}
