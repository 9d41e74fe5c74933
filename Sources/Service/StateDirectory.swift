import Core
import Foundation
import Glibc

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
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
            let socketDirectory = socketPath.directoryPart
            try FileManager.default.createDirectory(
                atPath: socketDirectory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        } catch {
            throw .unusable(path: path, reason: "it cannot be made (permission denied, or a file is in the way)")
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw .unusable(path: path, reason: String(cString: strerror(errno)))
        }
    }
}

/// A lock on the state directory: one process measures and writes at a time. It goes with the process, however that ends.
package struct StateLock: ~Copyable {
    private let descriptor: Int32

    /// - Throws: `StateError.busy` with what the holder wrote into the file.
    package init(_ directory: StateDirectory, holder: String) throws(StateError) {
        let file = "\(directory.path)/lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .unusable(path: file, reason: String(cString: strerror(errno))) }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let text = (try? String(contentsOfFile: file, encoding: .utf8))?.trimmingCharacters(in: .newlines)
            close(descriptor)
            throw .busy(path: directory.path, holder: text.flatMap { $0.isEmpty ? nil : $0 } ?? "another taskwatt")
        }
        ftruncate(descriptor, 0)
        let text = "\(holder), process \(getpid())\n"
        _ = text.withCString { write(descriptor, $0, strlen($0)) }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}

package enum StateError: Error, Sendable, Hashable, CustomStringConvertible {
    case unusable(path: String, reason: String)
    case busy(path: String, holder: String)

    package var description: String {
        switch self {
        case .unusable(let path, let reason):
            "the state directory \(path) cannot be used: \(reason); choose another with --state-dir"
        case .busy(let path, let holder):
            "the state directory \(path) is in use by \(holder); wait for it to end, or choose another with --state-dir"
        }
    }
}
