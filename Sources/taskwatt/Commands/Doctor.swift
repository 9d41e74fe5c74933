import API
import Accounting
import ArgumentParser
import Client
import Core
import Diagnostics
import Glibc
import Host
import Metering
import PluginHosting
import PolledMeters
import Reporting
import Running
import Service

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check whether this machine is fit for measuring, and what would help.",
        discussion: """
            Takes a second and changes nothing. It runs with your rights: what only root may read is `unknown`. If a daemon \
            answers, it checks the meters that the daemon may read. The exit status is 1 if a check fails, else 0.

            Examples:
              taskwatt doctor
              sudo taskwatt doctor             also what only root may see
              taskwatt doctor --json | jq '.[] | select(.verdict != "pass")'
              taskwatt doctor && taskwatt run  measure only on a machine that is fit for it
            """)

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        let surroundings = Surroundings()
        let host = surroundings.host
        let (listings, configuration) = await configured(surroundings)
        let meters = try await seen(listings, surroundings)
        let checks =
            await offPool { Doctor.examine(host, meters: meters, accelerators: NVML.system.states()) }
            + [Self.plugins(surroundings.plugins), configuration]
        Console.print(json ? try Console.json(checks) : .lines(Self.text(checks)))
        if checks.contains(where: { $0.verdict == .fail }) { throw ExitCode.failure }
    }

    /// The meters, and whether the configuration can be used. With one that cannot, all else is checked all the same.
    private func configured(_ surroundings: Surroundings) async -> ([MeterListing], Check) {
        let (id, title) = ("configuration", "Configuration")
        do {
            let configuration = try surroundings.configuration().meters
            let meters = try await surroundings.meters(state, configuration)
            let found = surroundings.configurationFile ?? "none; none is needed"
            // Whoever listens on the network learns them.
            let open = configuration.plainCredentials
            return (
                meters,
                Check(
                    id: id, title: title, verdict: open.isEmpty ? .pass : .warn,
                    found: ([found] + open.map(\.fact)).joined(separator: "\n"),
                    remedy: open.isEmpty ? nil : open.map(\.remedy).joined(separator: "\n"))
            )
        } catch {
            let check = Check(
                id: id, title: title, verdict: .fail, found: "\(UserError(error))",
                remedy: "fix the file; until then its meters are left out")
            return (MeterCatalogue.discover(surroundings.host), check)
        }
    }

    /// Whether there are plugins that are not run, for what others could do to them.
    private static func plugins(_ catalogue: PluginCatalogue) -> Check {
        let refused = catalogue.refused
        let (id, title) = ("plugins", "Plugins")
        guard !refused.isEmpty else {
            return Check(
                id: id, title: title, verdict: .pass,
                found: "\(catalogue.plugins.count); others can change none of them"
            )
        }
        return Check(
            id: id, title: title, verdict: .warn,
            found: refused.map { "\($0.name) is not run: \($0.reason)" }.joined(separator: "\n"),
            remedy: "run chmod go-w on what is named, or chown it to root, or remove it")
    }

    /// The meters as `taskwatt meters` has them: as the daemon may read them, for it is the daemon that measures where there is one.
    private func seen(_ listings: [MeterListing], _ surroundings: Surroundings) async throws -> [MeterListing] {
        let client = try await DaemonClient.find(surroundings.daemonStates(state))
        let statuses: [MeterStatus] =
            if let client { try await client.get("/v1/meters") } else { await MeterStatus.read(listings) }
        return listings.map { listing in
            guard let status = statuses.first(where: { $0.meter.id == listing.description.id }) else { return listing }
            var listing = listing
            listing.availability =
                status.isAvailable
                ? .available : .unavailable(reason: status.reason ?? "it cannot be read", remedy: status.remedy)
            if status.isAvailable, status.reading == .noData { listing.noDataReason = status.reason }
            return listing
        }
    }

    // MARK: Text

    private static func text(_ checks: [Check]) -> String {
        var table = TextTable([("verdict", .left), ("check", .left), ("found", .left)])
        for check in checks {
            for (index, line) in lines(check.found).enumerated() {
                table.add([index == 0 ? check.verdict.rawValue : "", index == 0 ? check.title : "", line])
            }
        }
        let counts = Verdict.allCases.compactMap { verdict -> String? in
            let count = checks.count { $0.verdict == verdict }
            return count > 0 ? "\(count) \(verdict.rawValue)" : nil
        }
        return coloured(table.text()) + advice(checks) + "\n\(counts.joined(separator: ", "))\n"
    }

    /// What would help, of every check that has a remedy, in the order of the table.
    private static func advice(_ checks: [Check]) -> String {
        let remedies = checks.compactMap { check in check.remedy.map { (check.title, lines($0)) } }
        if remedies.isEmpty { return "" }
        let list = remedies.map { title, lines in "\(title)\n" + lines.map { "    \($0)\n" }.joined() }
        return "\n" + Console.heading("What would help") + "\n\n" + list.joined()
    }

    /// The verdict stands at the beginning of a line, and a colour has no width: it is put in when the columns are aligned.
    private static func coloured(_ table: String) -> String {
        let colours: [(verdict: Verdict, style: ConsoleStyle)] = [
            (.pass, .green), (.warn, .yellow), (.fail, .red), (.unknown, .grey),
        ]
        return table.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard let found = colours.first(where: { line.hasPrefix("\($0.verdict.rawValue) ") }) else {
                return String(line)
            }
            let word = found.verdict.rawValue
            return found.style.mark + word + ConsoleStyle.plain.mark + line.dropFirst(word.count)
        }.joined(separator: "\n")
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
