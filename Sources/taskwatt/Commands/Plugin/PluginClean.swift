import ArgumentParser
import Commands
import PluginHosting
import Running
import Settings
import Terminal
import WorkloadProtocol

struct PluginClean: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clean",
        abstract: "Remove the files that plugins made and can make again.",
        discussion: """
            Empties the cache directories of all plugins, or of the named ones. Plugins make or download again what they \
            need. A cache that a run uses is left alone.

            It empties your own caches, in $TASKWATT_CACHE_DIR, else $XDG_CACHE_HOME/taskwatt (~/.cache/taskwatt). To empty \
            the service's: sudo TASKWATT_CACHE_DIR=/var/cache/taskwatt-plugin taskwatt plugin clean (links in it are \
            removed, and never followed)

            Examples:
              taskwatt plugin clean --dry-run
              taskwatt plugin clean onnx-proxies
            """)

    @Argument(help: "The plugins. Default: all.")
    var names: [String] = []

    @Flag(help: "Print what would be removed, and remove nothing.")
    var dryRun = false

    @OptionGroup var answer: AnswerOptions

    func run() throws {
        let context = Surroundings().runnerContext()
        let plugins =
            names.isEmpty ? context.plugins.plugins : try names.map { try context.plugins.plugin(named: $0) }
        let rows = plugins.map(\.manifest.name)
            .map { PluginCache(plugin: $0, directory: context.hosting.cacheDirectory(of: $0)) }.filter(\.isThere)
            .map { dryRun ? PluginCache.Cleaning($0) : $0.cleaned() }
        try answer.print(rows, PluginCache.Cleaning.text(rows, isDone: !dryRun))
        let problems = rows.compactMap(\.problem)
        for problem in problems { Console.complain(problem) }
        if !problems.isEmpty { throw ExitCode.failure }
    }
}
