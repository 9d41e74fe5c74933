import Glibc
import NIOCore

/// What one connection of a listener may take, in time, and how many there may be.
package struct ConnectionLimits: Sendable {
    /// Beyond these the one that has been idle for longest makes room; where none is idle the newcomer is told to come again.
    package var most = 256
    /// Of these for the owner alone: root, and the user that the daemon is. 0 on TCP, which knows no users.
    var keptForOwner = 0
    /// Until the first request's head is there, TLS's handshake included: it is sent at once by whoever has something to ask.
    var firstHead = TimeAmount.seconds(15)
    /// Until the next one is there, whole: browsers and curl(1) keep connections for a minute or so.
    var idle = TimeAmount.seconds(60)
    /// A body may keep the daemon waiting for so long in all, and for a second more with each `leastBytesPerSecond` that came.
    var bodyPatience = TimeAmount.seconds(20)
    /// Slower than any network on which somebody sends a bundle.
    var leastBytesPerSecond = 10_240
    /// An answer has to be taken at a rate of `leastTaken` bytes in so long a time.
    var takePatience = TimeAmount.seconds(30)
    var leastTaken = 64 << 10
    /// Whoever closes his side (nc -N does, when it has asked) gets what is answered at once; whatever goes on for longer, such as a stream
    /// of events, has lost its client.
    var farewell = TimeAmount.seconds(5)
    /// How often the times are looked at.
    var look = TimeAmount.seconds(1)

    package static let tcp = ConnectionLimits()
    package static let unixSocket = {
        var limits = ConnectionLimits()
        limits.keptForOwner = 64
        limits.idle = .seconds(300)
        return limits
    }()

    /// Files that are open beside connections: the record's, one or two a meter, plugins', and bundles on their way.
    private static let otherFiles = 160

    /// The same for a process that may not open so many files: what connections cannot have is left for the rest, since a daemon that
    /// has no more cannot even refuse them.
    ///
    /// - Parameters:
    ///   - files: that the process may have open.
    ///   - listeners: that share them.
    package func within(files: Int, listeners: Int) -> ConnectionLimits {
        var limits = self
        limits.most = min(most, max(8, (files - Self.otherFiles) / max(1, listeners)))
        limits.keptForOwner = min(keptForOwner, limits.most / 4)
        return limits
    }

    /// Lets the process open as many files as its hard limit says: the soft one is for programs that use select(2).
    ///
    /// - Returns: how many that is.
    package static func raiseFileLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        // More than these there is no use for, and somebody might go through all that there may be.
        let wanted = min(limit.rlim_max, 65_536)
        if limit.rlim_cur < wanted {
            limit.rlim_cur = wanted
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
                getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            }
        }
        return Int(clamping: limit.rlim_cur)
    }
}
