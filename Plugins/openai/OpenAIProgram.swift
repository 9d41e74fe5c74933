import PluginKit

/// The plugin as a process: `taskwatt plugin-program openai`.
package enum OpenAIProgram {
    package static func run(arguments: [String]) { PluginMain.run(OpenAIPlugin(), arguments: arguments) }
}
