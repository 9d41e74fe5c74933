package import Core
import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// A command of the user's, which has our input and outputs and the user's rights.
package struct MeasuredCommand: Sendable {
    /// One that did not begin, with the exit status that env(1) and the shells give.
    package struct Failure: Error {
        package var error: UserError
        package var exitStatus: Int32
    }

    private let words: [String]

    package init(_ words: [String]) { self.words = words }

    /// Runs it to its end.
    ///
    /// - Returns: its exit status; 128 and the signal's number where a signal ended it.
    /// - Throws: `Failure`.
    package func run() async throws(Failure) -> Int32 {
        guard let name = words.first else { throw Failure(error: UserError(.usage, "no command"), exitStatus: 127) }
        // As a shell has it: a name with a slash is a path, any other is looked up in PATH.
        let isPath = name.contains("/")
        SignalRelay.begin()
        do {
            let status = try await Subprocess.run(
                isPath ? .path(FilePath(name)) : .name(name), arguments: Arguments(Array(words.dropFirst())),
                input: .fileDescriptor(.standardInput, closeAfterSpawningProcess: false),
                output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
            ) { execution in
                SignalRelay.relay(to: execution.processIdentifier.value)
            }.terminationStatus
            switch status {
            case .exited(let code): return code
            case .signaled(let signal): return 128 + signal
            }
        } catch {
            if isPath, access(name, F_OK) == 0, access(name, X_OK) != 0 {
                throw Failure(
                    error: UserError(
                        .notAllowed, "\(name) may not be executed: permission denied", remedy: "chmod +x it"),
                    exitStatus: 126)
            }
            throw Failure(
                error: UserError(
                    .notFound, "\(name) cannot be found or started", remedy: "check the name and PATH"),
                exitStatus: 127)
        }
    }
}

/// What signals do while the command runs.
///
/// Ctrl-C and Ctrl-\ reach the command by the terminal; we wait for its end and report. SIGTERM is passed on: whoever stops
/// us means the command. They have handlers, for unlike a signal that is ignored those are not inherited by the command.
private enum SignalRelay {
    private static let process = Atomic<Int32>(0)
    private static let isTerminated = Atomic<Bool>(false)

    static func begin() {
        // Made now and not inside the handler, where nothing may be made.
        process.store(0, ordering: .sequentiallyConsistent)
        isTerminated.store(false, ordering: .sequentiallyConsistent)
        signal(SIGINT) { _ in }
        signal(SIGQUIT) { _ in }
        signal(SIGTERM) { _ in
            SignalRelay.isTerminated.store(true, ordering: .sequentiallyConsistent)
            let process = SignalRelay.process.load(ordering: .sequentiallyConsistent)
            if process > 0 { kill(process, SIGTERM) }
        }
    }

    static func relay(to identifier: Int32) {
        process.store(identifier, ordering: .sequentiallyConsistent)
        // It may have come before there was anybody to pass it to.
        if isTerminated.load(ordering: .sequentiallyConsistent) { kill(identifier, SIGTERM) }
    }
}
