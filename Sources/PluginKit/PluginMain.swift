import Core
import Foundation
import Glibc
import Synchronization
import WorkloadProtocol

/// The loop that speaks the protocol for a plugin.
public enum PluginMain {
    /// Answers calls from standard input until it ends or `shutdown` comes.
    ///
    /// Standard output belongs to the protocol: whatever else the process prints there, by any library, goes to standard
    /// error instead.
    ///
    /// - Parameters:
    ///   - arguments: of the program; `--probe` asks whether the plugin can run here.
    ///   - hostIsGone: called on a thread of its own just before the process ends because nobody reads its answers
    ///     any more, to end what the plugin started.
    public static func run(
        _ plugin: some WorkloadPlugin, arguments: [String] = Array(CommandLine.arguments.dropFirst()),
        hostIsGone: @escaping @Sendable () -> Void = {}
    ) {
        if arguments == ["--probe"] { exit(probe(plugin)) }
        // A program that the plugin starts must not hold the pipe open after it.
        let output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
        dup2(STDERR_FILENO, STDOUT_FILENO)
        signal(SIGPIPE, SIG_IGN)
        exitWhenReaderIsGone(output, hostIsGone)
        var server = PluginServer(plugin: plugin, output: LineWriter(descriptor: output))
        while let line = readLine(strippingNewline: true) {
            if line.allSatisfy(\.isWhitespace) { continue }
            guard server.answer(line) else { return }
        }
    }

    /// - Returns: the exit status for a host that asks whether the plugin can run here; why it cannot is on standard error.
    private static func probe(_ plugin: some WorkloadPlugin) -> Int32 {
        do {
            try plugin.probe()
            return 0
        } catch {
            FileHandle.standardError.write(Data("\(PrintableText.oneLine("\(error)"))\n".utf8))
            return 1
        }
    }

    /// A host that was killed reads no more; a workload that went on would burn energy for nobody.
    private static func exitWhenReaderIsGone(_ output: Int32, _ hostIsGone: @escaping @Sendable () -> Void) {
        let watcher = Thread {
            var descriptor = pollfd(fd: output, events: 0, revents: 0)
            while poll(&descriptor, 1, -1) < 0, errno == EINTR {}
            guard descriptor.revents & Int16(POLLERR | POLLHUP) != 0 else { return }
            hostIsGone()
            _exit(1)
        }
        watcher.name = "host-watcher"
        watcher.start()
    }
}

/// Writes whole lines; a plugin may report progress from any thread.
final class LineWriter: Sendable {
    private let descriptor: Mutex<Int32>

    init(descriptor: Int32) { self.descriptor = Mutex(descriptor) }

    /// - Throws: `EncodingError` for a value that JSON cannot hold, such as an infinite number; nothing is written then.
    func write(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var line = try encoder.encode(value)
        line.append(UInt8(ascii: "\n"))
        descriptor.withLock { descriptor in
            line.withUnsafeBytes { bytes in
                var written = 0
                while written < bytes.count {
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                    let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                    if count < 0, errno == EINTR { continue }
                    if count <= 0 { _exit(1) }
                    written += count
                }
            }
        }
    }
}
