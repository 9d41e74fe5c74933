import Digests
import Foundation
import WorkloadProtocol

extension InstalledPlugin {
    /// The SHA-256 of what the plugin runs: its program, the files of its directory that its arguments name, and all Python files
    /// there, each with its name. Whoever edits one has another program, whose figures are not in one mean with the old one's.
    ///
    /// `nil` of a plugin that is part of Taskwatt, whose version is in the record, and where a file cannot be read.
    var programSHA256: String? {
        guard case .found(let program) = program, !isBuiltIn else { return nil }
        var files = Set(ownFiles)
        if program.hasPrefix("\(directory)/") {
            files.insert(String(program.dropFirst(directory.count + 1)))
        } else if files.isEmpty {
            files.insert(program)
        }
        let hash = SHA256()
        for file in files.sorted() {
            let path = file.hasPrefix("/") ? file : "\(directory)/\(file)"
            guard (try? hash.update(fileAt: path)) != nil else { return nil }
            // Two files that change places are another program; one that lies elsewhere is not.
            if !file.hasPrefix("/") { hash.update(Array("\0\(file)\0".utf8)) }
        }
        return (try? hash.finalize())?.hexadecimal
    }

    /// Of its directory, and relative to it: all Python files, and what its arguments name.
    var ownFiles: [String] {
        pythonFiles + manifest.arguments.filter { Self.isFile("\(directory)/\($0)") }
    }

    /// Whether its program is Taskwatt's own.
    private var isBuiltIn: Bool { manifest.arguments.first == "plugin-program" && manifest.program == "taskwatt" }

    /// Relative to the plugin's directory; without what hidden directories and environments hold.
    private var pythonFiles: [String] {
        guard let all = FileManager.default.enumerator(atPath: directory) else { return [] }
        var files: [String] = []
        while let name = all.nextObject() as? String {
            let last = (name as NSString).lastPathComponent
            if last.hasPrefix(".") || ["__pycache__", "node_modules", "venv", "site-packages"].contains(last) {
                all.skipDescendants()
            } else if last.hasSuffix(".py"), Self.isFile("\(directory)/\(name)") {
                files.append(name)
            }
        }
        return files
    }

    private static func isFile(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
    }
}
