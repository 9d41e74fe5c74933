import Core
import Foundation
import Glibc
import WorkloadProtocol

/// The loop that speaks the protocol for a plugin.
public enum PluginMain {
    /// Answers calls from standard input until it ends or `shutdown` comes.
    ///
    /// Standard output belongs to the protocol: whatever else the process prints there, by any library, goes to standard
    /// error instead.
    public static func run(_ plugin: some WorkloadPlugin) {
        let output = dup(STDOUT_FILENO)
        dup2(STDERR_FILENO, STDOUT_FILENO)
        signal(SIGPIPE, SIG_IGN)
        exitWhenReaderIsGone(output)
        var server = PluginServer(plugin: plugin, output: LineWriter(descriptor: output))
        while let line = readLine(strippingNewline: true) {
            if line.allSatisfy(\.isWhitespace) { continue }
            guard server.answer(line) else { return }
        }
    }

    /// A host that was killed reads no more; a workload that went on would burn energy for nobody.
    private static func exitWhenReaderIsGone(_ output: Int32) {
        let watcher = Thread {
            var descriptor = pollfd(fd: output, events: 0, revents: 0)
            while poll(&descriptor, 1, -1) < 0, errno == EINTR {}
            if descriptor.revents & Int16(POLLERR | POLLHUP) != 0 { _exit(1) }
        }
        watcher.name = "host-watcher"
        watcher.start()
    }
}

/// Writes whole lines.
struct LineWriter: Sendable {
    let descriptor: Int32

    func write(_ value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var data = try? encoder.encode(value) else { return }
        data.append(UInt8(ascii: "\n"))
        data.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { _exit(1) }
                rest = rest.dropFirst(count)
            }
        }
    }
}

extension Slice<UnsafeRawBufferPointer> {
    fileprivate var baseAddress: UnsafeRawPointer? { UnsafeRawBufferPointer(rebasing: self).baseAddress }
}
