import ArgumentParser
import Core
import Foundation
import PolledMeters
import Recording
import Service
import YAMLReading

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check the configuration file.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "List every error of the configuration, with file, line and column.",
            discussion: """
                Also checks the files that `listen:` names, and prints what it read of each section. Without FILE it checks \
                the one that commands use: TASKWATT_CONFIG, else ~/.config/taskwatt/taskwatt.yaml, else \
                /etc/taskwatt/taskwatt.yaml. Exits with 1 if there is an error. A daemon reads the file again on SIGHUP \
                (`sudo systemctl reload taskwatt`), and ignores it while it has an error.

                Examples:
                  taskwatt config check
                  taskwatt config check ./taskwatt.yaml && sudo cp taskwatt.yaml /etc/taskwatt/
                """)

        @Argument(help: "The file.", completion: .file(extensions: ["yaml", "yml"]))
        var file: String?

        func run() async throws {
            guard let path = file ?? Surroundings().configurationFile else {
                return Console.note(
                    "there is no configuration file, and none is needed; it would be /etc/taskwatt/taskwatt.yaml")
            }
            let text: String
            do throws(BoundedFileError) { text = try BoundedFile.text(path) } catch {
                throw CommandFailure("\(path) cannot be read: \(error.reason)")
            }
            // Another one may be a draft; this is what is used.
            if file == nil { try Surroundings.refuseOpen(configuration: path) }
            var (configuration, problems) = MeterConfiguration.read(text: text, file: path)
            var keeping = Keeping()
            var listener: ListenerConfiguration?
            // One that is no YAML was told of already.
            if let sections = try? ConfigurationFile.sections(text: text, file: path, complain: { _ in }) {
                do throws(YAMLProblem) { keeping = try Keeping.parse(sections) } catch { problems.append(error) }
                let files = ListenerConfiguration.FileCheck(readToken: SecretFile.read) { file in
                    Console.note(
                        "you may not read \(file), so it was not checked: sudo taskwatt config check \(path)")
                }
                listener = ListenerConfiguration.read(sections, checking: files) { problems.append($0) }
            }
            for problem in problems.sorted(by: { ($0.line ?? 0, $0.column ?? 0) < ($1.line ?? 0, $1.column ?? 0) }) {
                Console.complain("\(problem)")
            }
            guard problems.isEmpty else {
                throw CommandFailure("\(problems.count) error\(problems.count == 1 ? "" : "s") in \(path)")
            }
            for open in configuration.plainCredentials { Console.note("\(open)") }
            Console.print("\(path): OK\n")
            Console.print(.lines(Self.summary(configuration, keeping, listener)))
        }

        /// What was read of each section, a line for each.
        static func summary(
            _ meters: MeterConfiguration, _ keeping: Keeping, _ listener: ListenerConfiguration?
        ) -> String {
            func list(_ names: [String]) -> String {
                names.isEmpty ? "none" : names.map(PrintableText.of).joined(separator: ", ")
            }
            func time(_ seconds: Double) -> String {
                seconds < 86_400
                    ? String(format: "%g hours", seconds / 3600) : String(format: "%g days", seconds / 86_400)
            }
            var listen = ["none: only the Unix socket"]
            if let listener {
                listen = [
                    listener.address.description,
                    listener.tokenFile == nil ? "no token: for reading" : "full access with the token",
                    listener.tls == nil ? "HTTP in the clear" : "TLS",
                ]
                if !listener.names.isEmpty { listen.append("names \(list(listener.names))") }
            }
            return """
                meters     \(list(meters.ids))
                overrides  \(list(meters.overridden.sorted()))
                listen     \(listen.joined(separator: "; "))
                keep       samples \(time(keeping.samples)), minutes \(time(keeping.minutes)), hours \(keeping.hours.map(time) ?? "forever")

                """
        }
    }
}
