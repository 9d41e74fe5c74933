package import API
import Client
package import Collecting
import Core
import Glibc
import Host
package import Logging
package import Recording
import Reporting
package import Settings
import Terminal

/// The collector as `taskwatt collect …` finds it: where its files are, and where its rows.
package struct CollectorFiles: Sendable {
    private static let systemDirectory = "/var/lib/taskwatt-collect"

    private let surroundings: Surroundings
    /// Named by the user or by systemd, else the service's, else this user's.
    package let directory: StateDirectory

    package init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
        if surroundings.isStateNamed {
            directory = surroundings.ownState
        } else {
            let path =
                access(Self.systemDirectory, F_OK) == 0
                ? Self.systemDirectory : "\(surroundings.ownState.path)-collect"
            directory = StateDirectory(path: path, socketPath: "\(path)/taskwatt.sock")
        }
    }

    /// - Throws: `UserError` where there is no collector.
    package func ledger() throws -> Ledger {
        guard access(directory.path, F_OK) == 0 else {
            throw UserError(
                .notFound, "there is no collector in \(directory.path)", remedy: "`taskwatt collect init` makes one")
        }
        try directory.refuseForeignFiles()
        return try Ledger(directory: directory.path)
    }

    /// Where its rows are; `nil` where there are none yet.
    package func record() throws -> (any RecordReader)? {
        if let address = surroundings.recordAddress { return try PostgresRecord(address) }
        return try Store.existing(directory: directory.path)
    }

    /// Makes the files, or brings those of an earlier version up to date.
    package func make() throws {
        umask(0o007)
        try directory.create()
        let lock = try StateLock(directory, holder: "`taskwatt collect init`")
        if let address = surroundings.recordAddress {
            try PostgresRecord.migrate(address)
            try PostgresRecord(address).renewSums { suites in
                Console.note(
                    "the sums of \(FigureText.count(suites, "suite")) are of an earlier version and are made anew")
            }
        } else {
            _ = try Store(directory: directory.path)
        }
        _ = try Ledger(directory: directory.path)
        _ = consume lock
    }

    /// Runs it until it is told to end.
    package func serve(logger: Logger) async throws {
        umask(0o007)
        guard let configuration = try surroundings.configuration().collector else {
            throw UserError(
                .usage, "the configuration has no section `collect`",
                remedy: "give it an `address`, a `certificate` and a `key`, as in /etc/taskwatt/taskwatt.yaml")
        }
        try directory.create()
        let lock = try StateLock(directory, holder: "the collector")
        // Many machines' rows are for a server; without one they are in a file here.
        let (record, reader): (any RecordWriter, any RecordReader)
        if let address = surroundings.recordAddress {
            let postgres = try PostgresRecord(address)
            (record, reader) = (postgres, postgres)
        } else {
            let store = try Store(directory: directory.path)
            (record, reader) = (QueuedWriter(store), store)
        }
        try await Collector(
            directory: directory, configuration: configuration, record: record, reader: reader,
            version: surroundings.version, logger: logger
        ).run()
        _ = consume lock
    }

    /// The enrolled machines where Prometheus finds them.
    ///
    /// - Parameters:
    ///   - port: of machines that have not told theirs.
    ///   - output: a file that takes the place of another as a whole, and only where something has changed: Prometheus watches it; `nil`
    ///     for the standard output.
    package func writeTargets(port: Int, to output: String?) async throws {
        let targets = ScrapeTargets(try ledger().machines(), try await record()?.fleet() ?? [], port: port)
        let json = try targets.json()
        if let output {
            // What is too long for it is another file.
            if (try? BoundedFile.data(output, upTo: json.count)).map(Array.init) == json { return }
            try surroundings.refuse(output: output)
            let file = try OutputFile(output, mode: 0o644)
            try file.write(json)
            try file.finish()
        } else {
            Console.print(document: json)
        }
        if let note = targets.unreachableNote { Console.note(note) }
    }
}

extension ScrapeTargets {
    private static let mostNamed = 5

    fileprivate var unreachableNote: String? {
        if unreachable.isEmpty { return nil }
        let more = unreachable.count > Self.mostNamed ? " and \(unreachable.count - Self.mostNamed) more" : ""
        return "left out, for they listen on no network (`listen:` in their taskwatt.yaml): "
            + unreachable.prefix(Self.mostNamed).joined(separator: ", ") + more
    }
}
