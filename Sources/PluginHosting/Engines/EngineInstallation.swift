import Core
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
    /// - Throws: `UserError`, `FileProblem`, or `CancellationError`; what was there before then stays.
    package func install(_ variant: Variant, version: String?) async throws -> String {
        try Self.refuseUnsafe(directory)
        let package = variant.package + (version.map { "==\($0)" } ?? "")
        let script = String(decoding: PackageResources.onnxruntime_py, as: UTF8.self)
        let outcome: ToolRun
        do {
            outcome = try await ToolRun.run([python, "-c", script, directory, package], directory: "/", tell: tell)
        } catch is ToolRun.NotStarted {
            throw UserError(
                .unavailable, "\(python) cannot be started",
                remedy: "apt-get install python3 python3-venv, or name it with --python")
        }
        try Task.checkCancellation()
        guard outcome.isSuccess else {
            throw UserError(.failed, "the engine could not be installed: \(outcome.reason)")
        }
        return outcome.lastLine
    }

    /// - Throws: `UserError` where there is none, `FileProblem`.
    package func remove() throws {
        guard isInstalled else { throw UserError(.notFound, "there is no engine in \(directory)") }
        let path = URL(fileURLWithPath: directory)
        let parent = try OpenDirectory(path.deletingLastPathComponent().path)
        if let stuck = parent.remove(path.lastPathComponent) {
            throw UserError(.failed, "\(stuck) cannot be removed", remedy: "check its permissions")
        }
    }

    /// What root downloads and every plugin loads shall be nobody's to change, nor root's writing nobody's to lead elsewhere.
    private static func refuseUnsafe(_ directory: String) throws {
        guard geteuid() == 0 else { return }
        // What is missing is made by root.
        var place = URL(fileURLWithPath: directory)
        while place.path != "/", access(place.path, F_OK) != 0 { place.deleteLastPathComponent() }
        guard let weakness = try OpenDirectory.weakness(of: place.path) else { return }
        throw UserError(
            .notAllowed, "root installs no engine in \(directory), which others could change: \(weakness)",
            remedy: "name a directory of root's by --directory, or none")
    }
}
