import Glibc
package import Logging

extension Logger {
    /// The logger of a service, to the journal where standard error goes there; everything that logs in this process logs as it does.
    package static func ofThisService(isVerbose: Bool) -> Logger {
        // Who reads and goes away is no end of a service.
        signal(SIGPIPE, SIG_IGN)
        let isJournal = JournalLogHandler.isWanted
        LoggingSystem.bootstrap { label -> any LogHandler in
            if isJournal { return JournalLogHandler() }
            return PrintableLogHandler(StreamLogHandler.standardError(label: label))
        }
        var logger = Logger(label: "taskwatt")
        logger.logLevel = isVerbose ? .debug : .info
        return logger
    }
}
