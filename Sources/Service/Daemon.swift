package import API
import Core
package import Forwarding
import Foundation
import Glibc
import Host
import Hummingbird
package import Listening
package import Logging
package import Metering
import PluginHosting
package import Recording
import Reporting
package import Running
import ServiceLifecycle
import UnixSignals

/// The daemon: samples all the time, runs suites from a queue, and answers on its socket.
package struct Daemon: Sendable {
    private let directory: StateDirectory
    private let context: RunnerContext
    private let machine: MachineRecord
    private let listings: @Sendable () async throws -> [MeterListing]
    private let retention: @Sendable () -> RetentionPolicy
    private let reread: @Sendable () throws -> Void
    private let listener: (configuration: ListenerConfiguration, token: AccessToken?)?
    private let forwarding: (@Sendable (Store) throws -> Sender)?
    private let logger: Logger

    /// - Parameters:
    ///   - retention: what the configuration of now says.
    ///   - reread: reads the configuration again, at SIGHUP; where that fails, all stays as it is.
    ///   - listener: beside the Unix socket; `nil` for none.
    ///   - forwarding: makes who sends the suites of the record on; `nil` where nobody is to have them.
    package init(
        directory: StateDirectory, context: RunnerContext, machine: MachineRecord,
        retention: @escaping @Sendable () -> RetentionPolicy, reread: @escaping @Sendable () throws -> Void,
        listener: (configuration: ListenerConfiguration, token: AccessToken?)? = nil,
        forwarding: (@Sendable (Store) throws -> Sender)? = nil,
        logger: Logger, listings: @escaping @Sendable () async throws -> [MeterListing]
    ) {
        self.directory = directory
        self.context = context
        self.machine = machine
        self.retention = retention
        self.reread = reread
        self.listener = listener
        self.forwarding = forwarding
        self.logger = logger
        self.listings = listings
    }

    /// Runs until SIGTERM or SIGINT.
    ///
    /// - Throws: `StateError` where the directory is in use or unusable, `StoreError`, `MeteringError`, `ListenerError`.
    package func run() async throws {
        // What it makes is for its owner and group: the socket's group may talk to it.
        umask(0o007)
        try directory.create()
        let lock = try StateLock(directory, holder: "the daemon")
        if let listener { try await TCPListener.check(listener.configuration.address) }
        let store = try Store(directory: directory.path)
        let sender = try forwarding?(store)
        let cutOff = try store.markInterrupted()
        if cutOff > 0 { logger.warning("\(cutOff) suite(s) were interrupted when the last process ended") }

        // One budget for all sessions of all clients, the daemon's own sampling, and jobs.
        let readings = SharedReadings(clock: context.clock)
        let discover = self.listings
        let listings: @Sendable () async throws -> [MeterListing] = { readings.sharing(try await discover()) }
        let found = try await listings()
        let meters = try CurrentMeters(found, logger: logger)
        let writer = QueuedWriter(store)
        let queue = try JobQueue(
            execution: SuiteExecution(context: context, store: writer, machine: machine), store: store,
            journal: writer, context: context, logger: logger, listings: listings)
        let sessions = ClientSessions(listings: listings)
        let notifier = SystemdNotifier()
        let startedAt = context.clock.wallTime()
        let figures = try ResultMetrics(store, machine: machine, logger: logger)
        let reload = ReloadRequest()
        // In place before systemd is told that we are ready: until then SIGHUP would end the process.
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let routes = Routes(
            queue: queue, sessions: sessions, store: store,
            record: OwnRecord(store, version: context.hosting.version, peaks: machine.peaks), plugins: context.plugins,
            metrics: DaemonMetrics(
                meters: meters, queue: queue, figures: figures, outbox: sender?.watch, version: context.hosting.version,
                startedAt: startedAt,
                machineClass: MachineClass(inventory: machine.inventory)?.text),
            machine: machine, listings: listings, sender: sender
        ) { [directory, context] in
            let (power, scope, provenance) = meters.power
            let holds = await queue.holds
            return DaemonStatus(
                version: context.hosting.version, processID: getpid(), stateDirectory: directory.path,
                startedAt: startedAt,
                power: power, scope: scope, provenance: provenance, jobs: await queue.statuses,
                control: figures.current.control, holds: holds.isEmpty ? nil : holds, outbox: sender?.watch.current)
        }
        let socketPath = directory.socketPath
        let files = ConnectionLimits.raiseFileLimit()
        let listeners = listener == nil ? 1 : 2
        let connections = Connections(ConnectionLimits.unixSocket.within(files: files, listeners: listeners))
        let application = Application(
            router: routes.router(), server: .listener(connections),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: try directory.socketAddress()),
                serverName: "taskwatt/\(context.hosting.version)"),
            onServerRunning: { [logger] channel in
                try? await channel.rest(connections, logger: logger)
                logger.info("ready on \(socketPath)")
                notifier.ready()
            }, logger: quiet(logger))
        let tcp = try listener.map { configuration, token in
            let names = HostNames(configuration.address, others: configuration.names)
            names.findWholeName()
            return try TCPListener(
                configuration, router: routes.router(token.map(ListenerAccess.token) ?? .reading, names: names),
                serverName: "taskwatt/\(context.hosting.version)", hasToken: token != nil,
                limits: ConnectionLimits.tcp.within(files: files, listeners: listeners), logger: logger,
                quietLogger: quiet(logger))
        }
        // Stopped in the reverse order: systemd is told, then the job with its plugin ends, then the samplers, last the
        // server.
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: application),
                .init(
                    service: AlwaysOnSampler(
                        meters: meters, listings: listings,
                        evidence: MeterEvidenceFile(directory: directory.path), store: store, retention: retention,
                        reread: reread, reload: reload,
                        notifier: notifier, checks: [queue.check], logger: logger)),
                .init(service: sessions),
                .init(service: figures),
                .init(service: queue),
                .init(
                    service: OutboxService(
                        sender: sender, queue: queue, sessions: sessions, store: store, logger: logger)),
                .init(service: Reloading(hangups: hangups, reload: reload)),
                .init(service: StopNotice(notifier: notifier)),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(logger))
        if let tcp { configuration.services.insert(.init(service: tcp), at: 1) }
        configuration.maximumGracefulShutdownDuration = .seconds(8)
        try await ServiceGroup(configuration: configuration).run()
        unlink(socketPath)
        logger.info("stopped")
        _ = consume lock
    }

    /// Asks for the configuration to be read again at each SIGHUP; what runs goes on.
    private struct Reloading: Service {
        let hangups: UnixSignalsSequence
        let reload: ReloadRequest

        func run() async throws {
            for await _ in hangups.cancelOnGracefulShutdown() { reload.ask() }
        }
    }

    /// Tells systemd that the daemon is about to stop, before the first of the others does.
    private struct StopNotice: Service {
        let notifier: SystemdNotifier

        func run() async throws {
            try await gracefulShutdown()
            notifier.stopping()
        }
    }

    /// The libraries' own words are for those who look for faults in them.
    private func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = .error
        return logger
    }
}
