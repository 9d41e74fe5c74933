import CCurl
import Foundation
import Glibc
import Synchronization

/// The thread that libcurl's transfers run on. All of libcurl is called there, but for the wake-up.
final class TransferLoop: Sendable {
    private enum Command {
        case start(Transfer)
        case resume(Transfer)
        case cancel(Transfer)
    }

    private struct State {
        var commands: [Command] = []
        var isClosing = false
        /// libcurl's handle is gone.
        var isOver = false
    }

    /// Kept connections, of all hosts; more than any computer asks here at once.
    private static let mostConnections = 1024
    /// Nothing waits for the end of this; libcurl's own times and the wake-up come before it.
    private static let longestWait: Int32 = 600_000

    private let library: CurlLibrary
    nonisolated(unsafe) private let multi: OpaquePointer
    private let state = Mutex(State())

    init(_ library: CurlLibrary, connectionsPerHost: Int) throws(HTTPFailure) {
        guard let multi = tw_curl_multi_create(library.functions) else { throw .other("libcurl has no memory") }
        self.library = library
        self.multi = multi
        let curl = library.functions
        _ = tw_curl_multi_set_long(curl, multi, Int32(TW_CURLMOPT_MAXCONNECTS), Self.mostConnections)
        _ = tw_curl_multi_set_long(curl, multi, Int32(TW_CURLMOPT_MAX_HOST_CONNECTIONS), connectionsPerHost)
        let thread = Thread { self.run() }
        thread.name = "http"
        thread.start()
    }

    func start(_ transfer: Transfer) {
        // One that comes too late has nobody to end it.
        if !command(.start(transfer)) { transfer.fail(.cancelled) }
    }

    func resume(_ transfer: Transfer) { command(.resume(transfer)) }
    func cancel(_ transfer: Transfer) { command(.cancel(transfer)) }

    /// Ends the thread, and all that is under way.
    func close() {
        state.withLock { state in
            state.isClosing = true
            if !state.isOver { _ = tw_curl_wake(library.functions, multi) }
        }
    }

    @discardableResult
    private func command(_ command: Command) -> Bool {
        state.withLock { state in
            guard !state.isClosing, !state.isOver else { return false }
            state.commands.append(command)
            // Under the lock, for the handle may go right after.
            _ = tw_curl_wake(library.functions, multi)
            return true
        }
    }

    // MARK: The thread

    private func run() {
        // Signals are for the program's other threads; the one of a closed connection is for nobody.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, nil)
        var transfers = RunningTransfers(library.functions, multi)
        while true {
            let (commands, isClosing) = state.withLock { state in
                defer { state.commands = [] }
                return (state.commands, state.isClosing)
            }
            for command in commands {
                switch command {
                case .start(let transfer): transfers.start(transfer)
                case .resume(let transfer): transfers.resume(transfer)
                case .cancel(let transfer): transfers.cancel(transfer)
                }
            }
            if isClosing { break }
            guard tw_curl_perform(library.functions, multi) == 0 else { break }
            transfers.takeDone()
            guard tw_curl_poll(library.functions, multi, Self.longestWait) == 0 else { break }
        }
        let late = state.withLock { state in
            state.isOver = true
            defer { state.commands = [] }
            return state.commands
        }
        for case .start(let transfer) in late { transfer.fail(.cancelled) }
        transfers.end()
        tw_curl_multi_free(library.functions, multi)
    }
}
