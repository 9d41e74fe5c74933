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
        abstract: "Check the configuration.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Name every error of the configuration, with file, line and column.",
            discussion: """
                Also looks into the files that `listen:` names. \
                Without FILE it is the one that commands use: TASKWATT_CONFIG, else ~/.config/taskwatt/taskwatt.yaml, else \
                /etc/taskwatt/taskwatt.yaml. Exits with 1 where something is wrong. A daemon reads the file again on SIGHUP \
                (`sudo systemctl reload taskwatt`), and leaves all as it is while there is an error in it.

                Examples:
                  taskwatt config check
                  taskwatt config check ./taskwatt.yaml && sudo cp taskwatt.yaml /etc/taskwatt/
                """)

        @Argument(help: "The file.", completion: .file(extensions: ["yaml", "yml"]))
        var file: String?

        func run() async throws {
            guard let path = file ?? Surroundings().configurationFile else {
                return Console.note(
                    "there is no configuration, and none is needed; /etc/taskwatt/taskwatt.yaml can be one")
            }
            let text: String
            do throws(BoundedFileError) { text = try BoundedFile.text(path) } catch {
                throw CommandFailure("\(path) cannot be read: \(error.reason)")
            }
            // Another one may be a draft; this is what is used.
            if file == nil { try Surroundings.refuseOpen(configuration: path) }
            var (configuration, problems) = MeterConfiguration.read(text: text, file: path)
            // One that is no YAML was told of already.
            if let sections = try? ConfigurationFile.sections(text: text, file: path, complain: { _ in }) {
                do throws(YAMLProblem) { _ = try Keeping.parse(sections) } catch { problems.append(error) }
                let files = ListenerConfiguration.FileCheck(readToken: SecretFile.read) { file in
                    Console.note(
                        "\(file) is not for you to read, and was not looked into: sudo taskwatt config check \(path)")
                }
                ListenerConfiguration.read(sections, checking: files) { problems.append($0) }
            }
            for problem in problems.sorted(by: { ($0.line ?? 0, $0.column ?? 0) < ($1.line ?? 0, $1.column ?? 0) }) {
                Console.complain("\(problem)")
            }
            guard problems.isEmpty else {
                throw CommandFailure("\(problems.count) error\(problems.count == 1 ? "" : "s") in \(path)")
            }
            for open in configuration.plainCredentials { Console.note("\(open)") }
            Console.print(
                "\(path): OK: meters \(configuration.count), overrides \(configuration.overridden.count)\n")
        }
    }
}
