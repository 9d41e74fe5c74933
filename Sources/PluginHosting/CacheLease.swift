import Glibc
import Host

/// A plugin's cache in use: whoever would empty it meanwhile is refused. It is a lock on the directory itself, so it goes
/// with the process, and an empty directory stays.
struct CacheLease: ~Copyable {
    /// The directory that is locked, whatever its path leads to by now.
    let directory: OpenDirectory

    /// Makes the directory where it is missing, and waits while it is being emptied.
    ///
    /// - Throws: `PluginFailure` if it cannot be made, or for root if others could change it: what a plugin that root starts
    ///   writes by its path could then be led anywhere. Or `CancellationError`.
    init(sharing path: String, plugin: String) async throws {
        func failure(_ reason: String) -> PluginFailure {
            PluginFailure(
                plugin: plugin,
                cause: .cannotStart(
                    "its cache directory \(path) cannot be used (\(reason)); set TASKWATT_CACHE_DIR to another"))
        }
        let directory: OpenDirectory
        do throws(FileProblem) {
            directory = try OpenDirectory(path, making: 0o755)
            if geteuid() == 0, let weakness = try OpenDirectory.weakness(of: path) {
                throw FileProblem("root's plugins write there, and \(weakness)")
            }
        } catch {
            throw failure(error.cause)
        }
        // A file system without locks is used without one.
        while flock(directory.descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK || errno == EINTR {
            try await Task.sleep(for: .milliseconds(100))
        }
        self.directory = directory
    }

    /// - Returns: `nil` if somebody uses it.
    /// - Throws: `FileProblem` if it is not there, or cannot be read.
    init?(emptying path: String) throws(FileProblem) {
        directory = try OpenDirectory(path)
        if flock(directory.descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return nil }
    }
}
