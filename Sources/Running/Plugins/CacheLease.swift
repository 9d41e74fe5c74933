import Foundation
import Glibc

/// A plugin's cache in use: whoever would empty it meanwhile is refused. It is a lock on the directory itself, so it goes
/// with the process, and an empty directory stays.
struct CacheLease: ~Copyable {
    private let descriptor: Int32

    /// Makes the directory where it is missing, and waits while it is being emptied.
    ///
    /// - Throws: `PluginFailure` if it cannot be made, or `CancellationError`.
    init(sharing directory: String, plugin: String) async throws {
        func failure(_ reason: String) -> PluginFailure {
            PluginFailure(
                plugin: plugin,
                cause: .cannotStart(
                    "its cache directory \(directory) cannot be made (\(reason)); set TASKWATT_CACHE_DIR to another"))
        }
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw failure("permission denied, or a file is in the way")
        }
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(String(cString: strerror(errno))) }
        do {
            // A file system without locks is used without one.
            while flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK || errno == EINTR {
                try await Task.sleep(for: .milliseconds(100))
            }
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    /// - Returns: `nil` if somebody uses it, or it is not there.
    init?(emptying directory: String) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
