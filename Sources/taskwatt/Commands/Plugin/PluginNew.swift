import ArgumentParser
import PluginHosting
import Settings
import Terminal

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

    @Argument(help: "The plugin's name.")
    var name: String

    @Option(help: "The language of the program.")
    var language = PluginSkeleton.Language.python

    @Option(
        help: ArgumentHelp(
            "The directory to make it in.", discussion: "Default: the directory of your own plugins."),
        completion: .directory)
    var directory: String?

    func validate() throws {
        do { _ = try PluginSkeleton(name: name, language, checkout: nil) } catch { throw ValidationError("\(error).") }
    }

    func run() throws {
        let surroundings = Surroundings()
        let skeleton = try PluginSkeleton(name: name, language, checkout: surroundings.checkout)
        // Who names the directory says where the plugin belongs.
        if directory == nil { try skeleton.refuseShadowing(surroundings.plugins, in: surroundings.ownPlugins) }
        let path = try skeleton.write(in: directory ?? surroundings.ownPlugins)
        Console.print("\(path)\n")
        let build = language == .swift ? "(cd '\(path)' && swift build -c release), then " : ""
        let place = language == .python ? "put your function into \(path)/model.py; " : ""
        Console.note("\(place)try it: \(build)taskwatt plugin check '\(path)'")
    }
}

extension PluginSkeleton.Language: ExpressibleByArgument {}
