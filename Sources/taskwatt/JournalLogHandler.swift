import Foundation
import Glibc
import Logging

/// Writes for the journal: a line with its priority in front (sd-daemon(3)), without the time and the program's name, which
/// the journal has by itself.
struct JournalLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    /// Whether standard error goes to the journal: systemd names its device and inode in `JOURNAL_STREAM` (systemd.exec(5)).
    static var isWanted: Bool {
        guard let stream = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] else { return false }
        var status = stat()
        return fstat(STDERR_FILENO, &status) == 0 && stream == "\(status.st_dev):\(status.st_ino)"
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
            .map { " \($0.key)=\($0.value)" }.joined()
        // A line each: only the first of several would have the priority.
        let lines = "\(event.message)\(fields)".split(whereSeparator: \.isNewline)
        for line in lines {
            // In one piece, so that lines of several threads do not mix; a journal that is gone is not for us to mend.
            let bytes = Array("<\(Self.priority(event.level))>\(line)\n".utf8)
            _ = write(STDERR_FILENO, bytes, bytes.count)
        }
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
