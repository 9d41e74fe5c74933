import ArgumentParser
import Commands
import Exchange
import Terminal

struct Bundle: CancellableCommand {
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

    @OptionGroup var force: ForceOption

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

    private var choice: BundleChoice {
        get throws { BundleChoice(since: try since.map { try FilterOptions.time($0, "--since") }) }
    }

    func work() async throws {
        let bundling = Bundling(state.surroundings, output, isRedacted: redact, force.existing)
        guard runs.isEmpty else { return try await bundling.write(runs) }
        let asked = GivenOptions.text(["since": since, "suite": suite])
        try await bundling.write(try choice, suite: suite, asked: asked)
    }
}
