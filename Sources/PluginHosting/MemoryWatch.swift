import Core
import Glibc
import Host

/// Looks once a second at how much memory a plugin uses, for `limits.memory`.
///
/// Resident sets of `/proc/<pid>/stat` (proc(5)) are added up, which costs one short read a process. Pages that processes
/// share are in that sum several times, so only a sum over the limit is looked at more closely, by the proportional sets of
/// `smaps_rollup`. Which processes there are is asked anew every few seconds alone, because that reads all of `/proc`.
struct MemoryWatch: Sendable {
    private static let interval = Duration.seconds(1)
    private static let looksPerListing = 5

    private let session: Int32
    private let limit: Int64
    private let host: HostRoot

    /// - Parameters:
    ///   - session: the plugin's process id, which its session is named after.
    ///   - limit: in bytes.
    init(session: Int32, limit: Int64, host: HostRoot = HostRoot()) {
        self.session = session
        self.limit = limit
        self.host = host
    }

    /// Waits until there is too much.
    ///
    /// - Returns: bytes in use; `nil` once the task is cancelled.
    func excess() async -> Int64? {
        var processes: [Int32] = []
        var looks = 0
        while !Task.isCancelled {
            if looks % Self.looksPerListing == 0 { processes = members() }
            looks += 1
            if let used = excess(of: processes) { return used }
            try? await Task.sleep(for: Self.interval)
        }
        return nil
    }

    /// Bytes that the processes use if that is over the limit.
    func excess(of processes: [Int32]) -> Int64? {
        let resident = processes.reduce(0) { $0 + (stat($1)?.resident ?? 0) }
        if resident <= limit { return nil }
        let used = processes.reduce(0) { $0 + proportional($1) }
        return used > limit ? used : nil
    }

    /// The processes of the session.
    func members() -> [Int32] {
        ((try? host.list("/proc")) ?? []).compactMap(Int32.init).filter { stat($0)?.session == session }
    }

    private func stat(_ process: Int32) -> (session: Int32, resident: Int64)? {
        guard let text = try? host.read("/proc/\(process)/stat"), let close = text.lastIndex(of: ")") else {
            return nil
        }
        // After the name in parentheses: state ppid pgrp session …; rss is field 24, in pages.
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 21, let session = Int32(fields[3]), let pages = Int64(fields[21]) else { return nil }
        return (session, pages * Int64(sysconf(Int32(_SC_PAGESIZE))))
    }

    /// Pss in bytes: each page divided by how many processes have it; the resident set where that is not told.
    private func proportional(_ process: Int32) -> Int64 {
        let text = try? host.read("/proc/\(process)/smaps_rollup")
        let line = text?.split(separator: "\n").first { $0.hasPrefix("Pss:") }
        let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap { Int64($0) }
        return kilobytes.map { $0 * 1024 } ?? stat(process)?.resident ?? 0
    }
}
