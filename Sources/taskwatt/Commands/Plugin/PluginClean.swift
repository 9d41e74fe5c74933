import ArgumentParser
import Core
import PluginHosting
import Running
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

    @Flag(help: "Print JSON.")
    var json = false

    /// What was done to one cache.
    struct Row: Encodable {
        var plugin: String
        var directory: String
        /// Freed, or to be freed.
        var bytes: Int64
        var removed: Bool

        // The same keys in all of our JSON.
        enum CodingKeys: String, CodingKey { case plugin, directory, bytes, removed }
    }

    func run() throws {
        let context = Surroundings().runnerContext()
        let plugins =
            names.isEmpty ? context.plugins.plugins : try names.map { try context.plugins.plugin(named: $0) }
        let caches = plugins.map(\.manifest.name).map {
            PluginCache(plugin: $0, directory: context.hosting.cacheDirectory(of: $0))
        }
        var rows: [Row] = []
        var problems: [String] = []
        for cache in caches where cache.isThere {
            var row = Row(plugin: cache.plugin, directory: cache.directory, bytes: cache.bytes, removed: false)
            if dryRun {
                rows.append(row)
                continue
            }
            switch cache.empty() {
            case .emptied: row.removed = true
            case .inUse:
                row.bytes = 0
                problems.append("the cache of \(cache.plugin) is in use by a run; clean it when the run has ended")
            case .stuck(let path):
                row.bytes -= cache.bytes
                problems.append("\(path) cannot be removed; check its permissions, or run it as the user that owns it")
            case .refused(let reason):
                row.bytes = 0
                problems.append("the cache of \(cache.plugin) is left alone: \(reason)")
            }
            rows.append(row)
        }
        if json {
            Console.print(try Console.json(rows))
        } else {
            for row in rows where row.bytes > 0 {
                let verb = dryRun ? "would free" : "freed"
                Console.print("\(row.plugin): \(verb) \(MemorySize.fileText(row.bytes)) in \(row.directory)\n")
            }
            if !rows.contains(where: { $0.bytes > 0 }), problems.isEmpty {
                Console.print("there was nothing to remove\n")
            }
        }
        for problem in problems { Console.complain(problem) }
        if !problems.isEmpty { throw ExitCode.failure }
    }
}
