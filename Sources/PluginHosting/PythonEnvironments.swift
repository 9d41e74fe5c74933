import Core
import Foundation
import WorkloadProtocol

/// Where the virtual environments of plugins in Python are: a directory each, named after the plugin.
///
/// An environment is whole once it has the file `complete`, which holds the requirements that it was made for, word for
/// word: one that was cut off has none, and one for other requirements is outdated.
package struct PythonEnvironments: Sendable, Hashable {
    /// Looked through in order; new environments are made in the first.
    package let directories: [String]

    package static let marker = "complete"

    package enum State: Sendable, Hashable {
        /// With the environment's directory.
        case ready(String)
        /// With the reason and the remedy in one line.
        case missing(String)
    }

    package init(directories: [String]) { self.directories = directories }

    /// The environment of a plugin that has `python` in its manifest.
    package func state(of plugin: InstalledPlugin) -> State {
        let name = plugin.manifest.name
        guard let python = plugin.manifest.python else { return .missing("its manifest has no `python`") }
        let file = "\(plugin.directory)/\(python.requirements)"
        guard let wanted = try? BoundedFile.text(file) else {
            return .missing("its requirements \(file) cannot be read; install the plugin again")
        }
        var reason = "its Python environment is not installed; run `taskwatt plugin install \(name)`"
        for environment in environments(named: name) {
            guard let made = try? BoundedFile.text("\(environment)/\(Self.marker)") else {
                reason = "its Python environment \(environment) is not complete; run `taskwatt plugin install \(name)`"
                continue
            }
            guard made == wanted else {
                reason =
                    "its Python environment \(environment) is for other requirements; run `taskwatt plugin install "
                    + "\(name)`"
                continue
            }
            // The Python that it was made with may be gone since.
            guard FileManager.default.isExecutableFile(atPath: "\(environment)/bin/python") else {
                reason =
                    "the Python of its environment \(environment) is gone; run `taskwatt plugin install --force "
                    + "\(name)`"
                continue
            }
            return .ready(environment)
        }
        return .missing(reason)
    }

    /// The directories that are environments of this name, whole or not.
    package func environments(named name: String) -> [String] {
        directories.map { "\($0)/\(name)" }.filter { FileManager.default.fileExists(atPath: "\($0)/pyvenv.cfg") }
    }
}
