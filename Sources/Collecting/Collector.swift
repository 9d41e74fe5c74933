package import API
import Core
import Foundation
import Glibc
import Host
import Hummingbird
import Listening
package import Logging
import PolledMeters
package import Recording
import Service
import ServiceLifecycle
import TLS
import UnixSignals

/// The collector: takes the bundles of many machines, and keeps them in one record.
package struct Collector: Sendable {
    private let directory: StateDirectory
    private let configuration: CollectorConfiguration
    private let record: any RecordWriter
    private let reader: any RecordReader
    private let version: String
    private let logger: Logger

    /// - Parameters:
    ///   - directory: of the collector's own files; it is there, and this process has its lock.
    ///   - record: where the rows go.
    ///   - reader: the same, for the page.
    ///   - version: of this program.
    package init(
        directory: StateDirectory, configuration: CollectorConfiguration, record: any RecordWriter,
        reader: any RecordReader,
        version: String, logger: Logger
    ) {
        self.directory = directory
        self.configuration = configuration
        self.record = record
        self.reader = reader
        self.version = version
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT.
    ///
    /// - Parameter whenReady: is told the port on which it listens.
    /// - Throws: `UserError`.
    package func run(whenReady: @escaping @Sendable (_ port: Int) -> Void = { _ in }) async throws {
        try await TCPListener.check(configuration.address)
        let ledger = try Ledger(directory: directory.path)
        let files = try BundleFiles(directory: directory.path)
        files.sweep()
        let intake = Intake(files: files, ledger: ledger, record: record, version: version, logger: logger)
        let page = try configuration.pageTokenFile.map { file in
            FleetPage(token: try AccessToken(SecretFile.read(file), file: file), record: reader)
        }
        let routes = CollectorRoutes(
            ledger: ledger, files: files, intake: intake, limits: configuration.limits, version: version,
            wallTime: { Clocks.wall() }, page: page)
        let notifier = SystemdNotifier()
        var quiet = logger
        quiet.logLevel = .error
        let open = ConnectionLimits.raiseFileLimit()
        var limits = ConnectionLimits.tcp
        limits.most = 4096
        let listener = try TCPListener(
            ListenerConfiguration(address: configuration.address, tls: configuration.tls), router: routes.router(),
            serverName: "taskwatt/\(version)", hasToken: true, limits: limits.within(files: open, listeners: 1),
            clients: configuration.clientCA.map { TLSContext.Clients(authorities: $0, isRequired: false) },
            logger: logger, quietLogger: quiet
        ) { port in
            notifier.ready()
            whenReady(port)
        }
        var services = ServiceGroupConfiguration(
            services: [.init(service: listener), .init(service: Retaking(intake: intake))],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        services.maximumGracefulShutdownDuration = .seconds(20)
        try await ServiceGroup(configuration: services).run()
        notifier.stopping()
        logger.info("stopped")
    }

    /// Brings what was whole into the record: at the start, and from then on where the record could not be written.
    private struct Retaking: Service {
        let intake: Intake

        func run() async throws {
            var pause = Duration.seconds(5)
            while !Task.isShuttingDownGracefully {
                let isDone = await withTaskExecutorPreference(WorkerThreads.bookkeeping) {
                    await intake.retake(at: Clocks.wall())
                }
                pause = isDone ? .seconds(60) : min(pause * 2, .seconds(60))
                let length = pause
                do { try await cancelWhenGracefulShutdown { try await Task.sleep(for: length) } } catch { return }
            }
        }
    }
}
