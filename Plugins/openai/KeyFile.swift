import Foundation
import Glibc
import PluginKit

/// The key of the API. It comes from a file, so that it is in no command line, record or log.
enum KeyFile {
    private static let longest = 16 << 10

    /// - Throws: `PluginProblem` for a file that cannot be read, that others may read, or that holds no single line.
    static func read(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw PluginProblem(
                "the key in \(path) cannot be read: \(String(cString: strerror(errno)))",
                remedy: "write the key to that file, and chmod 600 it", isUnavailable: true)
        }
        defer { close(descriptor) }
        // The file that was opened is the one to judge, not what has its name by then.
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw PluginProblem("\(path) is not a file", remedy: "give the file that holds the key")
        }
        guard status.st_mode & (S_IRWXG | S_IRWXO) == 0 else {
            throw PluginProblem("\(path) can be read by others than you", remedy: "chmod 600 \(path)")
        }
        var buffer = [UInt8](repeating: 0, count: longest)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        // A line break or a control character would end the header that it is sent in.
        guard !text.isEmpty, text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7f }) else {
            throw PluginProblem("\(path) holds no key on a single line", remedy: "write the key alone to it")
        }
        return text
    }
}
