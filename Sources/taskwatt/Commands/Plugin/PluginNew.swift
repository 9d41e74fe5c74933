import ArgumentParser
import Core
import Foundation
import Host

struct PluginNew: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Write a plugin that works, to begin with.",
        discussion: """
            Makes a directory with a manifest, a program and a README. A plugin in Python runs at once: put your function \
            into `infer` of its model.py. One in Swift must be built first, by `swift build -c release`.

            Examples:
              taskwatt plugin new my-plugin
              taskwatt plugin check my-plugin
              taskwatt run --task my-plugin --plugin my-plugin --count 20
            """)

    enum Language: String, ExpressibleByArgument, CaseIterable {
        case swift, python
    }

    @Argument(help: "The plugin's name.")
    var name: String

    @Option(help: "The language of the program.")
    var language = Language.python

    @Option(
        help: ArgumentHelp(
            "The directory to make it in.", discussion: "Default: the directory of your own plugins."),
        completion: .directory)
    var directory: String?

    func validate() throws {
        let isPlain = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
        guard isPlain, let first = name.first, first.isLetter else {
            throw ValidationError(
                "'\(name)' cannot name a plugin; use letters, digits, - and _, with a letter first.")
        }
    }

    func run() throws {
        let surroundings = Surroundings()
        let path = "\(directory ?? surroundings.ownPlugins)/\(name)"
        if FileManager.default.fileExists(atPath: path) {
            throw UserError(.failed, "\(path) exists already", remedy: "choose another name, or remove it")
        }
        let files =
            switch language {
            case .python: PythonSkeleton(name: name).files
            case .swift: SwiftSkeleton(name: name, checkout: surroundings.checkout).files
            }
        for file in files {
            let target = "\(path)/\(file.path)"
            do throws(FileProblem) {
                try OpenDirectory(target.directoryPart, making: 0o755)
                    .put(
                        file.text.utf8, as: (target as NSString).lastPathComponent, mode: file.isProgram ? 0o755 : 0o644
                    )
            } catch {
                throw UserError(.failed, "\(error.cause)", remedy: "choose another place with --directory")
            }
        }
        Console.print("\(path)\n")
        let build = language == .swift ? "(cd '\(path)' && swift build -c release), then " : ""
        let place = language == .python ? "put your function into \(path)/model.py; " : ""
        Console.note("\(place)try it: \(build)taskwatt plugin check '\(path)'")
    }
}

/// A file of a new plugin.
struct SkeletonFile {
    var path: String
    var text: String
    var isProgram = false
}
