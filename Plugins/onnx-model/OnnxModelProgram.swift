import PluginKit

/// The plugin as a process: `taskwatt plugin-program onnx-model`.
package enum OnnxModelProgram {
    package static func run(arguments: [String]) { PluginMain.run(OnnxModel(), arguments: arguments) }
}
