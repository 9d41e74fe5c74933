import Glibc
import NIOCore
import Synchronization

/// The connections of one listener.
package final class Connections: Sendable {
    private struct Entry: Sendable {
        var channel: any Channel
        var client: Client
        var isOwner: Bool
        /// The order in which it came to rest; `nil` while a request is answered.
        var idleSince: Int?
    }

    private struct State: Sendable {
        var entries: [ObjectIdentifier: Entry] = [:]
        var clock = 0

        mutating func time() -> Int {
            clock += 1
            return clock
        }

        func oldestIdle(owners: Bool) -> ObjectIdentifier? {
            entries.lazy.filter { owners || !$0.value.isOwner }.compactMap { id, entry in
                entry.idleSince.map { (id, $0) }
            }.min { $0.1 < $1.1 }?.0
        }
    }

    let limits: ConnectionLimits
    private let state = Mutex(State())

    package init(_ limits: ConnectionLimits) { self.limits = limits }

    var count: Int { state.withLock { $0.entries.count } }

    /// Whose connection it is; `nil` where it has none, or went before it could be told.
    func client(of channel: any Channel) -> Client? {
        state.withLock { $0.entries[ObjectIdentifier(channel)]?.client }
    }

    /// Takes a new connection in, for which one that is idle may have to go.
    ///
    /// - Returns: `false` where there is no place for it.
    func admit(_ channel: any Channel, _ client: Client, isOwner: Bool) -> Bool {
        let (isAdmitted, evicted) = state.withLock { state -> (Bool, (any Channel)?) in
            let others = state.entries.values.count { !$0.isOwner }
            let isFull =
                state.entries.count >= limits.most || !isOwner && others >= limits.most - limits.keptForOwner
            var evicted: (any Channel)?
            if isFull {
                guard let oldest = state.oldestIdle(owners: isOwner) else { return (false, nil) }
                evicted = state.entries.removeValue(forKey: oldest)?.channel
            }
            let time = state.time()
            state.entries[ObjectIdentifier(channel)] = Entry(
                channel: channel, client: client, isOwner: isOwner, idleSince: time)
            return (true, evicted)
        }
        evicted?.close(promise: nil)
        return isAdmitted
    }

    func rests(_ channel: any Channel, _ isIdle: Bool) {
        state.withLock { state in
            let time = isIdle ? state.time() : nil
            state.entries[ObjectIdentifier(channel)]?.idleSince = time
        }
    }

    func gone(_ channel: any Channel) { state.withLock { $0.entries[ObjectIdentifier(channel)] = nil } }

    /// Closes those that have been idle for longest: the process has no files left.
    func shed(_ count: Int) {
        let channels = state.withLock { state in
            (0..<count).compactMap { _ in
                state.oldestIdle(owners: false).flatMap { state.entries.removeValue(forKey: $0)?.channel }
            }
        }
        for channel in channels { channel.close(promise: nil) }
    }
}

/// Who is at the other end of a Unix socket: SO_PEERCRED, unix(7), `struct ucred`.
private struct PeerCredentials: Sendable {
    var process: pid_t = 0
    var user: uid_t = 0
    var group: gid_t = 0
}

extension Channel {
    /// Whether root, or the user that this process is, is at the other end.
    func isOwners(_ tell: @escaping (Bool) -> Void) {
        guard remoteAddress?.protocol == .unix || localAddress?.protocol == .unix,
            let options = self as? any SocketOptionProvider
        else { return tell(false) }
        let peer: EventLoopFuture<PeerCredentials> = options.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        peer.assumeIsolated().whenComplete { result in
            // Whoever cannot be told has no rights by it.
            guard case .success(let peer) = result else { return tell(false) }
            tell(peer.user == 0 || peer.user == geteuid())
        }
    }
}
