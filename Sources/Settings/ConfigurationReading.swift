import Synchronization

/// The configuration file of one command, read when it is first asked for: all that a command takes from it is of one moment.
final class ConfigurationReading: Sendable {
    typealias File = (path: String, text: String)

    private let kept = Mutex<Result<File?, any Error>?>(nil)

    /// - Parameter read: reads it; `nil` where there is none.
    /// - Throws: what `read` throws, each time.
    func file(_ read: () throws -> File?) throws -> File? {
        try kept.withLock { kept in
            let result = kept ?? Result { try read() }
            kept = result
            return try result.get()
        }
    }

    func forget() { kept.withLock { $0 = nil } }
}
