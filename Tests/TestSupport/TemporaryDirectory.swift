package import Foundation
import Glibc
package import Host
import Synchronization

/// A directory of a test's own, which goes with its owner, or with the process if a whole suite shares it. It can stand for the
/// root of a machine.
package final class TemporaryDirectory: Sendable {
    package let path: String
    /// The directory as a machine with `/sys` and `/proc`.
    package var host: HostRoot { HostRoot(root: path) }

    /// - Parameter files: their contents by their paths below the directory, such as `/sys/class/…`.
    package init(_ files: [String: String] = [:]) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        Self.removesAtExit
        Self.living.withLock { _ = $0.insert(path) }
        for (file, text) in files { try write(file, text) }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        Self.living.withLock { _ = $0.remove(path) }
    }

    /// Those whose owner has not gone; a static owner never does.
    private static let living = Mutex<Set<String>>([])
    private static let removesAtExit: Void = {
        atexit {
            for path in TemporaryDirectory.living.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) }
        }
    }()

    package func directory(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: path + name, withIntermediateDirectories: true)
    }

    package func write(_ file: String, _ text: String) throws { try write(file, Data(text.utf8)) }

    package func write(_ file: String, _ contents: Data) throws {
        try directory((file as NSString).deletingLastPathComponent)
        try contents.write(to: URL(fileURLWithPath: path + file))
    }

    package func link(_ file: String, to target: String) throws {
        try directory((file as NSString).deletingLastPathComponent)
        try FileManager.default.createSymbolicLink(atPath: path + file, withDestinationPath: target)
    }
}
