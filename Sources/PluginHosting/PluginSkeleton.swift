package import Core
import Foundation
import Host
import WorkloadProtocol

/// A plugin to begin with, which keeps every rule of the protocol and sleeps instead of computing; its files are those of `Skeletons/`.
package struct PluginSkeleton: Sendable {
    package enum Language: String, Sendable, CaseIterable {
        case swift, python
    }

    package let name: String
    package let language: Language
    private let checkout: String?

    /// - Parameters:
    ///   - checkout: of Taskwatt, whose PluginKit one in Swift uses; `nil` where the program was installed without one.
    /// - Throws: `UserError` for a name that no plugin can have.
    package init(name: String, _ language: Language, checkout: String?) throws(UserError) {
        let isPlain = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
        guard isPlain, name.first?.isLetter == true else {
            throw UserError(
                .usage, "'\(name)' cannot name a plugin", remedy: "use letters, digits, - and _, with a letter first")
        }
        (self.name, self.language, self.checkout) = (name, language, checkout)
    }

    /// Keeps a plugin from taking the place of another without a word: of two of one name the first that is found is run.
    ///
    /// - Parameters:
    ///   - catalogue: all plugins that are found.
    ///   - parent: where this one is to be. What is there already, `write` refuses.
    /// - Throws: `UserError` where a plugin of the name is elsewhere.
    package func refuseShadowing(_ catalogue: PluginCatalogue, in parent: String) throws(UserError) {
        guard let other = catalogue.plugins.first(where: { $0.manifest.name == name }),
            other.directory != "\(parent)/\(name)"
        else { return }
        throw UserError(
            .failed, "there is a plugin \(name) already, in \(other.directory), and of two of one name only one is run",
            remedy: "choose another name; to replace it on purpose, add --directory '\(parent)'")
    }

    /// Its files, with the placeholders filled in.
    var files: [(path: String, text: String, isProgram: Bool)] {
        let files: [(String, [UInt8], Bool)] =
            switch language {
            case .python:
                [
                    ("plugin.yaml", PackageResources.python_plugin_yaml, false),
                    ("README.md", PackageResources.python_readme_txt, false),
                    ("model.py", PackageResources.python_model_py, false),
                    ("program.py", PackageResources.python_program_py, true),
                ]
            case .swift:
                [
                    ("plugin.yaml", PackageResources.swift_plugin_yaml, false),
                    ("README.md", PackageResources.swift_readme_txt, false),
                    ("Package.swift", PackageResources.swift_package_txt, false),
                    ("Sources/\(name)/main.swift", PackageResources.swift_main_txt, false),
                    (".gitignore", Array(".build/\nPackage.resolved\n".utf8), false),
                ]
            }
        return files.map { path, bytes, isProgram in
            let text = String(decoding: bytes, as: UTF8.self).replacing("{{name}}", with: name)
            return (path, text.replacing("{{dependency}}", with: dependency), isProgram)
        }
    }

    private var dependency: String {
        if let checkout { return ".package(name: \"taskwatt\", path: \"\(checkout)\")" }
        return "// PluginKit is in taskwatt's own repository: put the path of your checkout here, or its URL.\n"
            + "        .package(name: \"taskwatt\", path: \"../taskwatt\")"
    }

    /// Writes the files into a new directory.
    ///
    /// - Parameter parent: the directory to make it in.
    /// - Returns: its path.
    /// - Throws: `UserError` for a place that cannot be used.
    package func write(in parent: String) throws(UserError) -> String {
        let path = "\(parent)/\(name)"
        if FileManager.default.fileExists(atPath: path) {
            throw UserError(.failed, "\(path) exists already", remedy: "choose another name, or remove it")
        }
        for file in files {
            let target = "\(path)/\(file.path)"
            do throws(FileProblem) {
                let name = (target as NSString).lastPathComponent
                try OpenDirectory(target.directoryPart, making: 0o755)
                    .put(file.text.utf8, as: name, mode: file.isProgram ? 0o755 : 0o644)
            } catch {
                throw UserError(.failed, "\(error.cause)", remedy: "choose another place with --directory")
            }
        }
        return path
    }
}
