package import Core
import Foundation
import Glibc
import Host
package import Recording
import SystemPackage

/// Where a daemon, or a user's own taskwatt, keeps its record, and the socket that its daemon answers on.
package struct StateDirectory: Sendable, Hashable {
    package let path: String
    /// The socket's own path, which may be longer than a socket address can hold.
    package let socketPath: String

    package init(path: String, socketPath: String) {
        self.path = path
        self.socketPath = socketPath
    }

    /// `sun_path` holds 108 bytes with the closing zero: unix(7).
    private static let longestAddress = 107

    /// The socket's path in a form that fits into a socket address. A long one is reached through an open descriptor of its
    /// directory, which then stays open for the life of the process.
    package func socketAddress() throws(StateError) -> String {
        if socketPath.utf8.count <= Self.longestAddress { return socketPath }
        let directory = socketPath.directoryPart
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unusable(path: directory, reason: String(cString: strerror(errno))) }
        return "/proc/self/fd/\(descriptor)/\((socketPath as NSString).lastPathComponent)"
    }

    /// Whether a socket is there, and we may not use it.
    package var isForOthers: Bool { access(socketPath, F_OK) == 0 && access(socketPath, W_OK) != 0 }

    /// Makes the directory if it is not there, readable by its owner and group alone.
    package func create() throws(StateError) {
        for directory in [path, socketPath.directoryPart] {
            do throws(FileProblem) {
                _ = try OpenDirectory(directory, making: 0o750)
            } catch {
                throw .unusable(path: path, reason: "it cannot be made (\(error.cause))")
            }
        }
        try refuseForeignFiles()
        guard access(path, W_OK | X_OK) == 0 else {
            throw .unusable(path: path, reason: String(cString: strerror(errno)))
        }
    }

    /// A directory in which everybody can put files is no place for a record. And for root, who would follow them: in a directory that
    /// another user owns the record's files can be links.
    ///
    /// SQLite opens files by their paths; it follows no link in the last part of those beside the record, and of the record's own
    /// name it follows one.
    package func refuseForeignFiles() throws(StateError) {
        guard access(path, F_OK) == 0 else { return }
        if let openness = FileOwners.openness(of: path) { throw .unusable(path: path, reason: openness) }
        guard geteuid() == 0 else { return }
        do throws(FileProblem) {
            guard try OpenDirectory.weakness(of: path) != nil else { return }
            let directory = try OpenDirectory(path)
            for name in ["", "-wal", "-shm", "-journal"].map({ "taskwatt.sqlite\($0)" }) {
                if directory.isPlainFile(name) == false {
                    throw FileProblem(
                        "\(path)/\(name) is not a plain file, or has a second name, and root does not use it")
                }
            }
        } catch {
            throw .unusable(path: path, reason: error.cause)
        }
    }
}

/// A lock on the state directory: one process measures and writes at a time. It goes with the process, however that ends.
package struct StateLock: ~Copyable {
    private let opened: FileDescriptor

    /// - Throws: `StateError.busy` with what the holder wrote into the file.
    package init(_ directory: StateDirectory, holder: String) throws(StateError) {
        let place: OpenDirectory
        let file: FileDescriptor
        do throws(FileProblem) {
            place = try OpenDirectory(directory.path)
            file = try place.file("lock", O_RDWR | O_CREAT, mode: 0o640)
        } catch {
            throw .unusable(path: directory.path, reason: error.cause)
        }
        if flock(file.rawValue, LOCK_EX | LOCK_NB) != 0 {
            try? file.close()
            let text = (try? place.contents("lock", upTo: 4096)).map { String(decoding: $0, as: UTF8.self) }?
                .trimmingCharacters(in: .newlines)
            throw .busy(path: directory.path, holder: text.flatMap { $0.isEmpty ? nil : $0 } ?? "another taskwatt")
        }
        ftruncate(file.rawValue, 0)
        _ = try? file.writeAll(Array("\(holder), process \(getpid())\n".utf8))
        opened = file
    }

    deinit { try? opened.close() }
}

extension StateDirectory {
    /// Marks suites as interrupted whose process ended without a word: whoever measures holds the lock, so where it is free nobody does. A
    /// record that cannot be written stays as it is.
    package func settle(_ store: Store) {
        guard access("\(path)/lock", W_OK) == 0, (try? store.hasRunningSuite()) == true else { return }
        do {
            let lock = try StateLock(self, holder: "a command that reads the record")
            _ = try store.markInterrupted()
            _ = consume lock
        } catch {}
    }
}

package enum StateError: UserFacingError, Sendable, Hashable {
    case unusable(path: String, reason: String)
    case busy(path: String, holder: String)

    package var userError: UserError {
        switch self {
        case .unusable(let path, let reason):
            UserError(
                .failed, "the state directory \(path) cannot be used: \(reason)",
                remedy: "choose another with --state-dir")
        case .busy(let path, let holder):
            UserError(
                .busy, "the state directory \(path) is in use by \(holder)",
                remedy: "wait for it to end, or choose another with --state-dir")
        }
    }
}
