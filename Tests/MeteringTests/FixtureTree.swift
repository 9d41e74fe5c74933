import Foundation
import Host

/// A tree of files that stands for `/sys` and `/proc`, in a directory of its own that goes with it.
final class FixtureTree {
    let path: String
    var host: HostRoot { HostRoot(root: path) }

    init(_ files: [String: String]) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-\(UUID().uuidString)").path
        for (file, text) in files { try write(file, text) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ file: String, _ text: String) throws {
        let url = URL(fileURLWithPath: path + file)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }
}
