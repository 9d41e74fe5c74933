import Foundation
import Subprocess
import Synchronization
import SystemPackage

/// A program that was run to its end, such as pip.
struct ToolRun: Sendable {
    /// It is not there, or may not be executed.
    struct NotStarted: Error {}

    var status: TerminationStatus
    /// The last line that it printed, on standard output or standard error.
    var lastLine: String
    /// The last line that begins with an error's word, as pip's do.
    var errorLine: String?

    var isSuccess: Bool { status.isSuccess }

    /// Why it failed, in one line.
    var reason: String {
        let end =
            switch status {
            case .exited(let code): "exit status \(code)"
            case .signaled(let signal): "signal \(signal)"
            }
        let words = PluginFailure.oneLine(errorLine ?? lastLine, limit: 300)
        return words.isEmpty ? end : "\(words) (\(end))"
    }

    /// - Parameters:
    ///   - command: a path or a name of a program in `PATH`, and its arguments.
    ///   - environment: all of it.
    ///   - tell: gets each line as it comes.
    /// - Throws: `NotStarted`, or `CancellationError`; the program is then ended.
    static func run(
        _ command: [String], directory: String, environment: [String: String] = PluginEnvironment.ofInstaller(),
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> ToolRun {
        let program: Executable = command[0].contains("/") ? .path(FilePath(command[0])) : .name(command[0])
        var options = PlatformOptions()
        // pip starts compilers; a Ctrl-C ends them all.
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(2))]
        do {
            let result = try await Subprocess.run(
                program, arguments: Arguments(Array(command.dropFirst())),
                environment: Environment(only: environment.merging(["PYTHONUNBUFFERED": "1"]) { $1 }),
                workingDirectory: FilePath(directory),
                platformOptions: options, input: .none, output: .sequence, error: .combinedWithOutput
            ) { execution in
                var (last, error): (String, String?) = ("", nil)
                var splitter = LineSplitter(limit: 64 << 10)
                func take(_ piece: LineSplitter.Piece) {
                    guard case .line(let bytes) = piece else { return }
                    let line = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
                    if line.isEmpty { return }
                    tell(line)
                    last = line
                    if line.hasPrefix("ERROR") || line.hasPrefix("Error") { error = line }
                }
                for try await buffer in execution.standardOutput { buffer.withUnsafeBytes { splitter.feed($0, take) } }
                splitter.finish(take)
                return (last, error)
            }
            return ToolRun(
                status: result.terminationStatus, lastLine: result.closureResult.0, errorLine: result.closureResult.1)
        } catch is SubprocessError {
            try Task.checkCancellation()
            throw NotStarted()
        }
    }
}
