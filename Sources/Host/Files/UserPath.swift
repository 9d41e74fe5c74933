import Foundation

/// Paths as users type them: a plugin runs in its own directory, from which a relative one would lead elsewhere.
package enum UserPath {
    package static func absolute(_ path: String) -> String {
        URL(fileURLWithPath: (path as NSString).expandingTildeInPath).standardized.path
    }

    /// A program is a name that the shell's path has, or a path.
    package static func program(_ text: String) -> String { text.contains("/") ? absolute(text) : text }

    /// A model is a name or a path: what begins like a path, or is one of a file that is there, is made absolute.
    package static func model(_ text: String) -> String {
        if ["./", "../", "~/"].contains(where: text.hasPrefix) { return absolute(text) }
        var isDirectory: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: text, isDirectory: &isDirectory)
        // A directory that is called as a model is, such as gpt2, is not meant unless it is written as a path.
        return exists && (!isDirectory.boolValue || text.contains("/")) ? absolute(text) : text
    }
}
