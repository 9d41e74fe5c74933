import CLinux
import Glibc
import Host
import Synchronization
import SystemPackage

/// The standard input, output and error of a plugin that another process starts.
struct PluginPipes: ~Copyable {
    /// Of the plugin, in this order; closed here once they were passed on.
    private(set) var theirs: [Int32] = []
    private var ours: [Int32] = []

    /// - Throws: `Errno`, where there are too many open files.
    init() throws(Errno) {
        for number in 0..<3 {
            var ends: [Int32] = [-1, -1]
            guard taskwatt_pipe(&ends) == 0 else {
                let reason = Errno(rawValue: errno)
                for descriptor in theirs + ours { close(descriptor) }
                throw reason
            }
            theirs.append(number == 0 ? ends[0] : ends[1])
            ours.append(number == 0 ? ends[1] : ends[0])
        }
    }

    deinit { for descriptor in theirs + ours { close(descriptor) } }

    /// They end with the plugin only when nobody else has them open.
    mutating func closeTheirs() {
        for descriptor in theirs { close(descriptor) }
        theirs = []
    }

    /// This side's, which are the caller's now.
    mutating func takeOurs() -> (input: PipeWriter, output: Int32, error: Int32) {
        defer { ours = [] }
        return (PipeWriter(descriptor: ours[0]), ours[1], ours[2])
    }
}

/// The end of a pipe that is written to.
final class PipeWriter: Sendable {
    private struct State {
        var isWriting = false
        var isClosed = false
    }

    private let descriptor: Int32
    private let state = Mutex(State())

    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { finish() }

    /// Writes all of it; blocks for as long as the other side does not read. One at a time.
    ///
    /// - Throws: `Errno`, `brokenPipe` where nobody reads any more.
    func write(_ bytes: [UInt8]) throws(Errno) {
        let isOpen = state.withLock { state in
            state.isWriting = !state.isClosed
            return state.isWriting
        }
        guard isOpen else { throw .brokenPipe }
        defer {
            // Another one may have closed it meanwhile, and a descriptor that is in use must not be closed.
            let isClosed = state.withLock { state in
                state.isWriting = false
                return state.isClosed
            }
            if isClosed { close(descriptor) }
        }
        var written = 0
        while written < bytes.count {
            let result = bytes.withUnsafeBytes {
                // trap: it is not empty here, so it has a beginning.
                Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if result < 0 {
                if errno == EINTR { continue }
                throw Errno(rawValue: errno)
            }
            written += result
        }
    }

    func finish() {
        let isOurs = state.withLock { state in
            if state.isClosed { return false }
            state.isClosed = true
            return !state.isWriting
        }
        if isOurs { close(descriptor) }
    }
}

extension PluginProcess {
    /// Reads lines from a pipe to its end, and closes it.
    static func readLines(
        descriptor: Int32, limit: Int, piece: @escaping @Sendable (LineSplitter.Piece) -> Void,
        atEnd: @escaping @Sendable () -> Void
    ) async {
        await offPool {
            var splitter = LineSplitter(limit: limit)
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { break }
                buffer.withUnsafeBytes { splitter.feed(UnsafeRawBufferPointer(rebasing: $0[..<count]), piece) }
            }
            splitter.finish(piece)
            atEnd()
            close(descriptor)
        }
    }
}
