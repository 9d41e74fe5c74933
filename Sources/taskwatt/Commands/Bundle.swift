import API
import ArgumentParser
import Client
import Core
import Exchange
import Foundation
import Host
import Recording
import Service
import Settings
import Terminal

struct Bundle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Put runs into a file with which others can check them.",
        discussion: """
            The file has raw samples, records, suite, machine, versions and hashes of the models, with a manifest of SHA-256 \
            sums. It always has whole suites, since a run cannot be checked without its idle baseline. `taskwatt verify` \
            checks the file, `taskwatt import bundle` imports it into another record.

            Suites are named one by one, or chosen by --since, --suite or --all. Chosen suites go into one file or, where \
            the output is a directory, into a file each, which has date, suite and UUID in its name. Files that are there \
            already stay as they are, so the same command adds what is new.

            Examples:
              taskwatt bundle last -o fill-mask.tar.zst
              taskwatt bundle 3f2a9c1b 77d0e5a2 -o both.tar.zst
              taskwatt bundle last --redact -o for-the-paper.tar.zst
              taskwatt bundle --since 2026-11-01 --suite nightly -o november.tar.zst
              taskwatt bundle --all -o /mnt/shared/bundles/
            """)

    @Argument(help: ArgumentHelp("The run of a suite: its UUID or a prefix of it, or `last`.", valueName: "run"))
    var runs: [String] = []

    @Option(
        help: ArgumentHelp(
            "All suites that began at this time or later: a date (in the local time zone), an ISO 8601 time, today, "
                + "yesterday, or 12h, 7d, 2w ago.", valueName: "time"))
    var since: String?

    @Option(help: "All suites with this name.")
    var suite: String?

    @Flag(help: "All suites of the record.")
    var all = false

    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp(
            "The file, such as runs.tar.zst, or a directory for a file of each chosen suite.", valueName: "file"),
        completion: .file())
    var output: String

    @Flag(help: "Leave out host names, user names, paths, addresses and serial numbers.")
    var redact = false

    @Flag(help: "Replace a file that exists.")
    var force = false

    @OptionGroup var state: RecordOptions

    func validate() throws {
        if runs.contains(where: \.isEmpty) { throw ValidationError("The name of a run is empty.") }
        let isChoosing = all || since != nil || suite != nil
        guard isChoosing != !runs.isEmpty else {
            throw ValidationError("Name the runs of suites, or choose them by --since, --suite or --all.")
        }
        if all, since != nil || suite != nil {
            throw ValidationError("--all is every suite; leave it out beside --since and --suite.")
        }
        _ = try choice
    }

    func run() async throws {
        let command = self
        // Neither a half file nor what it was made of stays behind.
        try await Interruption.cancelling { try await command.write() }
    }

    private func write() async throws {
        let surroundings = state.surroundings
        guard runs.isEmpty else {
            let file = try file(output, surroundings)
            return try await write(runs, of: try await surroundings.record(), to: file)
        }
        let file = hasDirectory ? nil : try file(output, surroundings)
        let record = try await surroundings.record()
        let suites = try await chosen(in: record)
        if let file {
            guard suites.count <= Self.mostInAFile else {
                throw UserError(
                    .failed, "\(suites.count) suites are too many for one file, which takes \(Self.mostInAFile)",
                    remedy: "name a directory, for a file of each: --output \(output)/")
            }
            return try await write(suites.map(\.uuid), of: record, to: file)
        }
        try await write(suites, of: record, surroundings)
    }

    private var hasDirectory: Bool {
        var isDirectory: ObjCBool = false
        return output.hasSuffix("/")
            || FileManager.default.fileExists(atPath: output, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    /// The UUIDs are in the address of what a daemon is asked for.
    private static let mostInAFile = 1000
    /// As many as a daemon lists.
    private static let mostListed = 100_000

    private var choice: BundleChoice {
        get throws { BundleChoice(since: try since.map { try FilterOptions.time($0, "--since") }) }
    }

    private func chosen(in record: any RecordAccess) async throws -> [SuiteRunSummary] {
        let listed = try await record.suiteRuns(label: nil, suite: suite, machine: nil, limit: Self.mostListed)
        let (suites, leftOut) = try choice.chosen(of: listed)
        if leftOut > 0 {
            Console.note(
                "\(FigureText.count(leftOut, "suite")) left out: still running, without a run, or of another program")
        }
        guard !suites.isEmpty else {
            let asked = [("since", since), ("suite", suite)].compactMap { name, value in
                value.map { "--\(name) \($0)" }
            }
            throw UserError(
                .notFound, "no suite to bundle\(asked.isEmpty ? "" : " fits \(asked.joined(separator: " "))")",
                remedy: "`taskwatt list` has those of the record")
        }
        return suites
    }

    private func file(_ path: String, _ surroundings: Surroundings) throws -> OutputFile {
        try surroundings.output(path, force ? .replaced : .refused)
    }

    private func write(_ names: [String], of record: any RecordAccess, to file: OutputFile) async throws {
        try await record.bundle(names, isRedacted: redact, to: file)
        // What went into a pipe is no file to be checked.
        guard let size = try file.finish() else { return }
        Console.note("\(file.path): \((size + 1023) / 1024) KiB; `taskwatt verify \(file.path)` checks it")
    }

    /// A file of each into a directory. One that cannot be bundled keeps none of the others out.
    private func write(
        _ suites: [SuiteRunSummary], of record: any RecordAccess, _ surroundings: Surroundings
    ) async throws {
        let directory = output.hasSuffix("/") ? String(output.dropLast()) : output
        _ = try OpenDirectory(directory.isEmpty ? "/" : directory, making: 0o777)
        var (written, there, failed) = (0, 0, 0)
        for suite in suites {
            try Task.checkCancellation()
            let path = "\(directory)/\(BundleChoice.fileName(of: suite, isRedacted: redact))"
            if !force, FileIdentity.of(path: path) != nil {
                there += 1
                continue
            }
            do {
                try await write([suite.uuid], of: record, to: try file(path, surroundings))
                written += 1
            } catch  where error is any UserFacingError {
                Console.complain("\(error)")
                failed += 1
            }
        }
        let rest = there == 0 ? "" : "; \(there) already there, unchanged"
        Console.note("\(FigureText.count(written, "bundle")) written to \(output)\(rest)")
        if failed > 0 { throw UserError(.failed, "\(failed) of \(suites.count) suites not bundled") }
    }
}
