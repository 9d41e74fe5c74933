import CPostgres
import Core
import Foundation
import Glibc

/// How long is waited for a server, in all that is done with it.
package struct PostgresLimits: Sendable, Hashable {
    /// Seconds until a connection is there, the names looked up by the system's resolver, which has bounds of its own.
    package var connectSeconds = 10.0
    /// Seconds that one statement may take, here and on the server.
    package var statementSeconds = 60.0
    /// Seconds for which what failed for a reason that passes is tried again.
    package var retrySeconds = 30.0
    /// Connections at once.
    package var mostConnections = 8

    package init() {}
}

/// One connection to a server, by libpq's asynchronous interface: the socket is waited for with a bound, on the thread that asks.
///
/// One thread uses it at a time; `PostgresPool` sees to that.
package final class PostgresConnection: Sendable {
    private let library: PostgresLibrary
    // Of one thread at a time, see above.
    nonisolated(unsafe) private let pointer: OpaquePointer
    private let limits: PostgresLimits

    /// - Parameter setup: statements without parameters that every connection begins with.
    /// - Throws: `PostgresError`.
    package init(_ address: PostgresAddress, _ limits: PostgresLimits, setup: [String] = []) throws(PostgresError) {
        library = try PostgresLibrary.system.get()
        self.limits = limits
        guard let pointer = tw_pg_connect(library.functions, address.text) else {
            throw PostgresError(.connection, "there is no memory for a connection")
        }
        self.pointer = pointer
        try connect()
        for statement in setup { try run(statement) }
    }

    deinit { tw_pg_finish(library.functions, pointer) }

    /// Such as 170002 of 17.2.
    package var serverVersion: Int { Int(tw_pg_server_version(library.functions, pointer)) }

    /// Whether it can be used for the next statement: it is there, and in no transaction.
    package var isIdle: Bool {
        tw_pg_status(library.functions, pointer) == Int32(TW_PG_CONNECTION_OK)
            && tw_pg_transaction_status(library.functions, pointer) == Int32(TW_PG_TRANSACTION_IDLE)
    }

    // MARK: Connecting

    private func connect() throws(PostgresError) {
        guard tw_pg_status(library.functions, pointer) != Int32(TW_PG_CONNECTION_BAD) else { throw connectionError() }
        // What the environment and the service file say is known now, and nothing secret has been sent.
        if let options = tw_pg_options(library.functions, pointer) {
            defer { tw_pg_options_free(library.functions, options) }
            func option(_ keyword: String) -> String? {
                tw_pg_option(options, keyword).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
            }
            if let refusal = PostgresAddress.refusal(
                hosts: option("host"), addresses: option("hostaddr"), mode: option("sslmode"))
            {
                throw refusal
            }
        }
        // With it an error tells its SQLSTATE.
        tw_pg_set_verbosity(library.functions, pointer, Int32(TW_PG_ERRORS_VERBOSE))
        let deadline = Deadline(seconds: limits.connectSeconds)
        var state = Int32(TW_PG_POLLING_WRITING)
        while state != Int32(TW_PG_POLLING_OK) {
            switch Int(state) {
            case TW_PG_POLLING_READING: try wait(POLLIN, deadline, "connecting")
            case TW_PG_POLLING_WRITING: try wait(POLLOUT, deadline, "connecting")
            default: throw connectionError()
            }
            state = tw_pg_connect_poll(library.functions, pointer)
        }
        tw_pg_set_verbosity(library.functions, pointer, Int32(TW_PG_ERRORS_DEFAULT))
        guard tw_pg_set_nonblocking(library.functions, pointer) == 0 else { throw connectionError() }
    }

    private func connectionError() -> PostgresError {
        let text = String(cString: tw_pg_error(library.functions, pointer))
        // Of what the server said: `FATAL:  28P01: password authentication failed for user "x"`, and lines after it.
        if let match = text.firstMatch(of: /:  ([0-9A-Z]{5}): ([^\n]*)/) {
            return PostgresError(.server, String(match.output.2), state: String(match.output.1))
        }
        if text.contains("no password supplied") {
            return PostgresError(.server, "a password is needed", state: "28P01")
        }
        // Lines after the first are hints.
        return PostgresError(.connection, text.split(separator: "\n").first.map(String.init) ?? "the connection broke")
    }

    // MARK: Statements

    /// Carries out a statement and takes all of its rows.
    ///
    /// - Throws: `PostgresError`. After one of the kinds `connection`, `timeout` and `answer` the connection is no longer of use.
    @discardableResult
    package func run(
        _ sql: String, _ parameters: [PostgresParameter] = []
    ) throws(PostgresError) -> PostgresResult {
        let deadline = Deadline(seconds: limits.statementSeconds)
        try send(sql, parameters, deadline)
        var last: PostgresResult?
        var failure: PostgresError?
        while let result = try next(deadline, nil) {
            if let error = try error(of: result) { failure = failure ?? error } else { last = result }
        }
        if let failure { throw failure }
        guard let last else { throw connectionError() }
        return last
    }

    /// Carries out a query and hands on its rows one at a time, so that there may be any number of them. The time for a statement counts
    /// anew for each row.
    ///
    /// - Parameter body: where it throws, the connection is no longer of use.
    package func each(
        _ sql: String, _ parameters: [PostgresParameter] = [], _ body: (PostgresRow) throws -> Void
    ) throws {
        try send(sql, parameters, Deadline(seconds: limits.statementSeconds))
        guard tw_pg_set_single_row(library.functions, pointer) == 1 else { throw connectionError() }
        var columns: PostgresResult.Columns?
        var failure: PostgresError?
        while let result = try next(Deadline(seconds: limits.statementSeconds), columns) {
            if let error = try error(of: result) {
                failure = failure ?? error
                continue
            }
            guard result.status == Int32(TW_PG_SINGLE_TUPLE), let row = result.first else { continue }
            columns = columns ?? result.known
            try body(row)
        }
        if let failure { throw failure }
    }

    private func send(
        _ sql: String, _ parameters: [PostgresParameter], _ deadline: Deadline
    ) throws(PostgresError) {
        var formats: [Int32] = []
        var bytes: [[UInt8]] = []
        var lengths: [Int32] = []
        var isNull: [Bool] = []
        for parameter in parameters {
            isNull.append(parameter == .null)
            switch parameter {
            case .null:
                formats.append(0)
                bytes.append([])
            case .text(let text):
                formats.append(0)
                bytes.append(Array(text.utf8) + [0])
            case .bytes(let data):
                formats.append(1)
                bytes.append(Array(data))
            }
            lengths.append(Int32(clamping: bytes.last?.count ?? 0))
        }
        // One block for all of them, which does not move while it is read.
        var offsets: [Int] = []
        var block: [UInt8] = []
        for value in bytes {
            offsets.append(block.count)
            block += value
        }
        // So that the block of none has an address too.
        block.append(0)
        let isSent = block.withUnsafeBufferPointer { block in
            let values = zip(offsets, isNull).map { offset, isNull -> UnsafePointer<CChar>? in
                guard !isNull, let base = block.baseAddress else { return nil }
                return UnsafeRawPointer(base + offset).assumingMemoryBound(to: CChar.self)
            }
            return tw_pg_send(
                library.functions, pointer, sql, Int32(clamping: parameters.count), values, lengths, formats) == 1
        }
        guard isSent else { throw connectionError() }
        while true {
            switch tw_pg_flush(library.functions, pointer) {
            case 0: return
            case 1:
                // The server may have to be listened to before it listens.
                if try wait(POLLIN | POLLOUT, deadline, "sending") & Int16(POLLIN) != 0,
                    tw_pg_consume(library.functions, pointer) != 1
                {
                    throw connectionError()
                }
            default: throw connectionError()
            }
        }
    }

    private func next(
        _ deadline: Deadline, _ columns: PostgresResult.Columns?
    ) throws(PostgresError) -> PostgresResult? {
        while tw_pg_is_busy(library.functions, pointer) != 0 {
            try wait(POLLIN, deadline, "waiting for an answer")
            guard tw_pg_consume(library.functions, pointer) == 1 else { throw connectionError() }
        }
        guard let result = tw_pg_result(library.functions, pointer) else { return nil }
        let isRow = tw_pg_result_status(library.functions, result) == Int32(TW_PG_SINGLE_TUPLE)
        return PostgresResult(library, result, columns: isRow ? columns : nil)
    }

    /// - Throws: where nothing more can come of it: libpq would give the same result again and again.
    private func error(of result: PostgresResult) throws(PostgresError) -> PostgresError? {
        switch Int(result.status) {
        case TW_PG_EMPTY_QUERY, TW_PG_COMMAND_OK, TW_PG_TUPLES_OK, TW_PG_SINGLE_TUPLE: return nil
        case TW_PG_COPY_IN, TW_PG_COPY_OUT, TW_PG_COPY_BOTH:
            throw PostgresError(.answer, "COPY is not for a statement")
        default:
            guard let state = result.errorField(TW_PG_DIAG_SQLSTATE) else {
                // libpq's own: the connection is gone.
                return connectionError()
            }
            return PostgresError(
                .server, result.errorField(TW_PG_DIAG_MESSAGE) ?? "the server refused a statement", state: state)
        }
    }

    // MARK: Waiting

    /// - Returns: what the socket is ready for.
    @discardableResult
    private func wait(
        _ events: Int32, _ deadline: Deadline, _ what: String
    ) throws(PostgresError) -> Int16 {
        let socket = tw_pg_socket(library.functions, pointer)
        guard socket >= 0 else { throw connectionError() }
        while true {
            var waited = pollfd(fd: socket, events: Int16(truncatingIfNeeded: events), revents: 0)
            let left = deadline.milliseconds
            let ready = poll(&waited, 1, left)
            if ready > 0 { return waited.revents }
            if ready < 0, errno != EINTR {
                throw PostgresError(.connection, "its socket cannot be waited for: \(String(cString: strerror(errno)))")
            }
            if ready == 0, deadline.milliseconds == 0 {
                throw PostgresError(.timeout, "\(what) took longer than is waited for")
            }
        }
    }
}

/// When a wait ends.
private struct Deadline {
    private let end: ContinuousClock.Instant

    init(seconds: Double) { end = .now + .seconds(seconds) }

    /// As `poll` takes them; 0 once it is over.
    var milliseconds: Int32 {
        let left = end - .now
        if left <= .zero { return 0 }
        return Int32(clamping: left.components.seconds.multipliedSaturated(by: 1000))
            .addingSaturated(Int32(clamping: left.components.attoseconds / 1_000_000_000_000_000 + 1))
    }
}
