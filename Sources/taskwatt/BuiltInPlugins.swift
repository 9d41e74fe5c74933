import CLinux
import Core
import Glibc
import Terminal
import command
import onnx_model
import onnx_proxies
import openai

/// The plugins that are part of this program. Each runs as a process of its own, as any plugin does: its manifest says
/// `program: taskwatt` and `arguments: [plugin-program, NAME]`.
enum BuiltInPlugins {
    /// Becomes the plugin that is asked for, and ends with it; returns where none is.
    ///
    /// It comes before the parser of commands: a plugin starts within a measurement's `load model` window.
    static func runIfAsked(_ words: [String]) {
        guard words.count > 2, words[1] == "plugin-program" else { return }
        // A plugin has the caller's rights, whatever an administrator gave to the file of this program.
        guard taskwatt_drop_gained_rights() == 0 else {
            Console.complain("the rights of this program's file cannot be taken from the plugin \(words[2])")
            exit(UserError.Kind.failed.exitStatus)
        }
        // In place of the program's, for `ps` and `top`.
        taskwatt_name_process(words[2])
        let arguments = Array(words.dropFirst(3))
        switch words[2] {
        case "command": CommandProgram.run(arguments: arguments)
        case "onnx-model": OnnxModelProgram.run(arguments: arguments)
        case "onnx-proxies": OnnxProxiesProgram.run(arguments: arguments)
        case "openai": OpenAIProgram.run(arguments: arguments)
        default:
            // As when the manifest is of another version than the program.
            Console.complain(
                "there is no plugin \(words[2]) in taskwatt \(Version.current): its plugin.yaml is from another version; install taskwatt again"
            )
            exit(UserError.Kind.usage.exitStatus)
        }
        exit(0)
    }
}
