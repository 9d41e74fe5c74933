import Core
import Foundation
import Postgres

extension PostgresRecord {
    /// What a version of the program can do with the sums that are there.
    enum SumsState: Sendable, Hashable {
        case current
        /// Of an earlier version, or damaged: to be made anew.
        case old
        /// Of a later one, which has to stay as it is.
        case newer
    }

    /// More versions there will not be; what says a greater number is no sums.
    private static let mostVersions: UInt64 = 0xffff

    /// Looks at the sums of the whole record, of which there is one a group: all others are made with them.
    func sumsState() throws(StoreError) -> SumsState {
        let heads = try rows(
            """
            SELECT DISTINCT substring(sums FROM 1 FOR 8) AS head FROM period_sums WHERE level = \(RecordSums.wholeLevel)
            """)
        do {
            let versions = try heads.map { Self.version(head: try $0.value("head")) }
            if versions.contains(where: { $0 > RunSums.version && $0 <= Self.mostVersions }) { return .newer }
            return versions.allSatisfy { $0 == RunSums.version } ? .current : .old
        } catch {
            throw storeError(error)
        }
    }

    /// Little-endian, as the sums are.
    private static func version(head: Data) -> UInt64 {
        guard head.count == 8 else { return 0 }
        return head.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Makes the sums of an earlier version anew, and goes on where somebody was stopped in that. All can read and write meanwhile; who
    /// asks for a table waits for it.
    ///
    /// - Parameter begins: is told how many suites there are, before it takes its time.
    /// - Returns: whether they were made anew.
    /// - Throws: `StoreError`. Sums of a newer version are left as they are.
    @discardableResult
    package func renewSums(begins: (_ suites: Int) -> Void = { _ in }) throws(StoreError) -> Bool {
        let state = try sumsState()
        if state == .newer { throw newer }
        if state == .old {
            let count = try rows("SELECT count(*) AS count FROM suite_run").first
            do { begins(try count?.value("count") ?? 0) } catch { throw storeError(error) }
            try forgetSums()
        }
        try settleStale()
        return state == .old
    }

    /// Makes what turned out to be no sums of this version anew, where whoever asks may.
    func replaceSums() throws(StoreError) {
        if try sumsState() == .newer { throw newer }
        do { try forgetSums() } catch {
            guard case .server(let refusal) = error, refusal.kind == .notAllowed else { throw error }
            throw .server(
                UserError(
                    .unavailable, "the sums in \(name) are of another version of taskwatt, or damaged",
                    remedy: "`taskwatt collect init` makes them anew"))
        }
    }
}
