import ArgumentParser
import CLinux
import Commands
import Core
import Foundation
import PolledMeters
import Terminal

/// The one program that a user types.
@main
struct Taskwatt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "taskwatt",
        abstract: "What does this model cost in energy, on this machine?",
        discussion: """
            Measures machine-learning tasks in kWh per 1,000 inferences and prints them in the layout of Luccioni et al., \
            Power Hungry Processing (arXiv 2311.16863).

            Examples:
              taskwatt run                       a first table in a minute or two
              taskwatt run --task fill-mask      one task of it
              taskwatt measure make -j4          the energy of any command
              taskwatt meters                    what can be measured here
              taskwatt doctor                    what would make it better
              taskwatt table --format markdown   the table again
              taskwatt report                    the same as a page with pictures
              taskwatt figure energy             one picture of it, for a paper
              taskwatt list                      the suites that were measured
              taskwatt show last                 what was measured last, in detail
              taskwatt compare last-1 last       whether anything has changed

            What the words mean:
            \(HelpTopic.list)
            """,
        version: Version.current,
        // Each names itself in its `commandName`. Otherwise the parser asks for the name of its type, for which the runtime looks
        // through all conformances of the program: for all commands at every start, and a third of its time.
        subcommands: [
            Run.self, Measure.self, Table.self, Report.self, FigureCommand.self, List.self, Show.self, Compare.self,
            ExportCommand.self, ImportCommand.self, Bundle.self, Verify.self, Meters.self, HardwareCommand.self,
            DoctorCommand.self, Calibrate.self, Plugins.self, PluginCommand.self, EngineCommand.self, Serve.self,
            Status.self, Cancel.self, Hold.self, Release.self, Fleet.self, Send.self, Enroll.self, CollectCommand.self,
            Top.self, Backup.self, Restore.self, Metrics.self, ScheduleCommand.self, Config.self,
            PluginHostCommand.self,
        ])

    static let line = CommandLineReader(Taskwatt.self, passing: Measure.self)

    static func main() async {
        BuiltInPlugins.runIfAsked(CommandLine.arguments)
        // Asked by scripts and monitors, over and over: without the parser it is half the time.
        if CommandLine.arguments.dropFirst().elementsEqual(["--version"]) {
            print(Version.current)
            return
        }
        // For every user but root libdispatch writes into the system's log that it cannot raise its threads' priority.
        setenv("LIBDISPATCH_LOG", "NO", 0)
        do {
            let words = Array(CommandLine.arguments.dropFirst())
            if let topic = try line.topic(words) { return Console.print(.lines(topic)) }
            var command = try line.parsed(words)
            // Here there is one thread yet, from which all others have their rights.
            if command is Serve { taskwatt_clear_ambient_capabilities() }
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            await PolledMeters.end()
        } catch let code as ExitCode {
            await PolledMeters.end()
            Foundation.exit(code.rawValue)
        } catch {
            await PolledMeters.end()
            // Wrong usage, `--help` and `--version` are the parser's own.
            guard error is any UserFacingError || error is CancellationError else { end(with: error) }
            let shown = UserError(error)
            Console.complain("\(shown)")
            Foundation.exit(shown.kind.exitStatus)
        }
    }
}

extension Taskwatt {
    /// Ends with what the parser of the command line has to say: an error, or the help that was asked for.
    private static func end(with error: any Error) -> Never {
        let status = exitCode(for: error)
        if status.isSuccess {
            let text = fullMessage(for: error)
            if !text.isEmpty { Console.print(.markup(line.completing(text) + "\n")) }
        } else if let refusal = line.refusal(error) {
            Console.complain("\(refusal)")
        }
        Foundation.exit(status.rawValue)
    }
}

enum Version {
    static let current = "0.1.0"
}
