import PluginKit

/// The plugin as a process: `taskwatt plugin-program command`.
package enum CommandProgram {
    package static func run(arguments: [String]) {
        PluginMain.run(CommandPlugin(), arguments: arguments, hostIsGone: ShellCommand.endRunning)
    }
}
