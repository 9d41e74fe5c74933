import PluginKit

/// The plugin as a process: `taskwatt plugin-program onnx-proxies`.
package enum OnnxProxiesProgram {
    package static func run(arguments: [String]) { PluginMain.run(OnnxProxies(), arguments: arguments) }
}
