import Core
import Glibc
package import Running
import Synchronization
import Terminal

/// Shows how a run goes on: one line that changes on a terminal, plain lines elsewhere. Both on standard error.
package final class ProgressDisplay: Sendable {
    private struct State {
        var progress = RunProgress()
        var lineIsOpen = false
    }

    private let isTerminal: Bool
    private let state = Mutex(State())

    package init() { isTerminal = Console.isTerminal(STDERR_FILENO) }

    package func show(_ event: RunEvent) {
        state.withLock { state in
            switch state.progress.line(event) {
            case .lasting(let text):
                Self.close(&state)
                Console.error("\(text)\n")
            case .passing(let text) where isTerminal:
                // A line that is cut is better than one that wraps, for a wrapped one cannot be taken back.
                Console.status(String(text.prefix((Console.width(of: STDERR_FILENO) ?? 80) - 1)))
                state.lineIsOpen = true
            case .passing, nil: break
            }
            if event.event == .finished { Self.close(&state) }
        }
    }

    /// Leaves the terminal in order before something else is printed.
    package func end() {
        state.withLock { Self.close(&$0) }
    }

    private static func close(_ state: inout State) {
        if state.lineIsOpen { Console.clearStatus() }
        state.lineIsOpen = false
    }
}
