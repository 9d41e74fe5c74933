import Foundation
import Host

/// A directory that stands for the root of a machine; gone when the test is done with it.
final class Tree: Sendable {
    let root: String

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-host-\(UUID())").path
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    var host: HostRoot { HostRoot(root: root) }

    func directory(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: root + path, withIntermediateDirectories: true)
    }

    func write(_ path: String, _ contents: String) throws { try write(path, Data(contents.utf8)) }

    func write(_ path: String, _ contents: Data) throws {
        try directory((path as NSString).deletingLastPathComponent)
        try contents.write(to: URL(fileURLWithPath: root + path))
    }

    func link(_ path: String, to target: String) throws {
        try directory((path as NSString).deletingLastPathComponent)
        try FileManager.default.createSymbolicLink(atPath: root + path, withDestinationPath: target)
    }
}
