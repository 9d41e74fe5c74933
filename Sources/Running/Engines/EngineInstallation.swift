import Foundation
import Glibc
import Host

/// Brings an inference engine's library to where plugins look for it: ONNX Runtime, from the wheel that its makers publish on
/// PyPI, for machines whose distribution has none.
package struct EngineInstallation: Sendable {
    package enum Variant: String, Sendable, CaseIterable {
        case cpu, cuda

        /// The project on PyPI.
        package var package: String {
            switch self {
            case .cpu: "onnxruntime"
            case .cuda: "onnxruntime-gpu"
            }
        }
    }

    /// Where the library is put: `…/engines/onnxruntime`.
    package let directory: String
    private let python: String
    private let tell: @Sendable (String) -> Void

    /// - Parameters:
    ///   - python: a program's path or name.
    ///   - tell: shows a line of what goes on.
    package init(directory: String, python: String, tell: @escaping @Sendable (String) -> Void) {
        self.directory = directory
        self.python = python
        self.tell = tell
    }

    package var isInstalled: Bool {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return files.contains { $0.hasPrefix("libonnxruntime.so") }
    }

    /// - Parameter version: of the engine; `nil` for the newest.
    /// - Returns: its name and version.
    /// - Throws: `EngineProblem`, or `CancellationError`; what was there before then stays.
    package func install(_ variant: Variant, version: String?) async throws -> String {
        try Self.refuseUnsafe(directory)
        let package = variant.package + (version.map { "==\($0)" } ?? "")
        let script = String(decoding: PackageResources.onnxruntime_py, as: UTF8.self)
        let outcome: ToolRun
        do {
            outcome = try await ToolRun.run([python, "-c", script, directory, package], directory: "/", tell: tell)
        } catch is ToolRun.NotStarted {
            throw EngineProblem(
                "\(python) cannot be started; apt-get install python3 python3-venv, or name it with --python")
        }
        try Task.checkCancellation()
        guard outcome.isSuccess else { throw EngineProblem("the engine could not be installed: \(outcome.reason)") }
        return outcome.lastLine
    }

    /// - Throws: `EngineProblem`.
    package func remove() throws(EngineProblem) {
        guard isInstalled else { throw EngineProblem("there is no engine in \(directory)") }
        let path = URL(fileURLWithPath: directory)
        do throws(FileProblem) {
            let parent = try OpenDirectory(path.deletingLastPathComponent().path)
            if let stuck = parent.remove(path.lastPathComponent) {
                throw FileProblem("\(stuck) cannot be removed: check its permissions")
            }
        } catch {
            throw EngineProblem("\(error)")
        }
    }

    /// What root downloads and every plugin loads shall be nobody's to change, nor root's writing nobody's to lead elsewhere.
    private static func refuseUnsafe(_ directory: String) throws(EngineProblem) {
        guard geteuid() == 0 else { return }
        do throws(FileProblem) {
            // What is missing is made by root.
            var place = URL(fileURLWithPath: directory)
            while place.path != "/", access(place.path, F_OK) != 0 { place.deleteLastPathComponent() }
            guard let weakness = try OpenDirectory.weakness(of: place.path) else { return }
            throw FileProblem(
                "root installs no engine in \(directory), which others could change: \(weakness); name a directory of root's by "
                    + "--directory, or none")
        } catch {
            throw EngineProblem("\(error)")
        }
    }
}

/// Why an engine could not be brought, in one line.
package struct EngineProblem: Error, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}
