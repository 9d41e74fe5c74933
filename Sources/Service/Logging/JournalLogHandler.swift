import Core
import Foundation
import Glibc
import Host
package import Logging
import Synchronization

/// Writes to systemd's journal: the message with its priority, and what is known beside it in fields of its own, so that
/// `journalctl TASKWATT_JOB=12` has all of a job. By the journal's own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL); where its
/// socket does not take it, as a line on standard error with its priority in front (sd-daemon(3)).
package struct JournalLogHandler: LogHandler {
    package init() {}

    package var metadata: Logger.Metadata = [:]
    package var logLevel = Logger.Level.info

    /// Whether standard error goes to the journal: systemd names its device and inode in `JOURNAL_STREAM` (systemd.exec(5)).
    package static var isWanted: Bool {
        guard let stream = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] else { return false }
        return FileIdentity.of(descriptor: STDERR_FILENO) == stream
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        // A name with a line break in it would begin a line of its own, which looks like another message.
        let message = PrintableText.oneLine("\(event.message)")
        let priority = Self.priority(event.level)
        if JournalSocket.send(Self.entry(message, priority: priority, fields)) { return }
        let words = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\(PrintableText.oneLine("\($0.value)"))" }
            .joined()
        // A line each: only the first of several would have the priority.
        for line in (message + words).split(whereSeparator: \.isNewline) {
            // In one piece, so that lines of several threads do not mix; a journal that is gone is not for us to mend.
            let bytes = Array("<\(priority)>\(line)\n".utf8)
            _ = write(STDERR_FILENO, bytes, bytes.count)
        }
    }

    private static func entry(_ message: String, priority: Int, _ fields: Logger.Metadata) -> [UInt8] {
        var entry: [UInt8] = []
        append("MESSAGE", message, to: &entry)
        append("PRIORITY", "\(priority)", to: &entry)
        append("SYSLOG_IDENTIFIER", "taskwatt", to: &entry)
        for (key, value) in fields {
            // Of a field's name the journal wants capitals, digits and underscores.
            let name = key.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
            append("TASKWATT_" + String(name), PrintableText.oneLine("\(value)"), to: &entry)
        }
        return entry
    }

    /// A name, a line feed, the length in 64 bits, least byte first, and the value: whatever it holds.
    private static func append(_ name: String, _ value: String, to entry: inout [UInt8]) {
        entry += Array(name.utf8)
        entry.append(UInt8(ascii: "\n"))
        withUnsafeBytes(of: UInt64(value.utf8.count).littleEndian) { entry += Array($0) }
        entry += Array(value.utf8)
        entry.append(UInt8(ascii: "\n"))
    }

    /// syslog(3)'s.
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

/// The journal's socket, opened once and kept: a journal that is started anew listens on the same one, which is systemd's.
private enum JournalSocket {
    private static let path = "/run/systemd/journal/socket"
    private static let descriptor = Mutex<Int32?>(nil)

    /// - Returns: `false` where it is not there or takes no more.
    static func send(_ entry: [UInt8]) -> Bool {
        descriptor.withLock { descriptor in
            if descriptor == nil { descriptor = try? UnixSocket.connect(to: path, .datagram) }
            guard let socket = descriptor else { return false }
            if Glibc.send(socket, entry, entry.count, Int32(MSG_NOSIGNAL)) == entry.count { return true }
            // One that listens no more is looked for again at the next entry.
            close(socket)
            descriptor = nil
            return false
        }
    }
}

/// Makes what is logged printable, before another handler writes it to a terminal or a file.
package struct PrintableLogHandler: LogHandler {
    private var inner: StreamLogHandler

    package init(_ inner: StreamLogHandler) { self.inner = inner }

    package var metadata: Logger.Metadata {
        get { inner.metadata }
        set { inner.metadata = newValue.mapValues { "\(PrintableText.oneLine("\($0)"))" } }
    }

    package var logLevel: Logger.Level {
        get { inner.logLevel }
        set { inner.logLevel = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { inner[metadataKey: key] }
        set { inner[metadataKey: key] = newValue.map { "\(PrintableText.oneLine("\($0)"))" } }
    }

    package func log(event: LogEvent) {
        var event = event
        event.message = "\(PrintableText.oneLine("\(event.message)"))"
        event.metadata = event.metadata?.mapValues { "\(PrintableText.oneLine("\($0)"))" }
        inner.log(event: event)
    }
}
