import Core
import Foundation
import Synchronization

/// Connections to one server, a bounded number of them, kept while they are good.
package final class PostgresPool: Sendable {
    package let address: PostgresAddress
    package let limits: PostgresLimits
    private let setup: [String]
    private let idle = Mutex<[PostgresConnection]>([])
    private let places: DispatchSemaphore

    /// Nothing is connected before the first question.
    ///
    /// - Parameter setup: statements without parameters that every connection begins with.
    package init(_ address: PostgresAddress, _ limits: PostgresLimits = PostgresLimits(), setup: [String] = []) {
        self.address = address
        self.limits = limits
        self.setup =
            [
                "SET statement_timeout = \(Int(saturating: limits.statementSeconds * 1000))",
                "SET lock_timeout = \(Int(saturating: limits.statementSeconds * 500))",
                "SET idle_in_transaction_session_timeout = \(Int(saturating: limits.statementSeconds * 2000))",
                "SET timezone = 'UTC'",
            ] + setup
        places = DispatchSemaphore(value: max(1, limits.mostConnections))
    }

    /// Works with a connection that nobody else uses meanwhile. One that is not idle afterwards is closed.
    ///
    /// - Throws: `PostgresError`, or what `body` throws.
    package func with<Value>(_ body: (PostgresConnection) throws -> Value) throws -> Value {
        guard places.wait(timeout: .now() + limits.statementSeconds) == .success else {
            throw PostgresError(.timeout, "all connections were in use for too long")
        }
        defer { places.signal() }
        let connection = try idle.withLock { $0.popLast() } ?? PostgresConnection(address, limits, setup: setup)
        defer { if connection.isIdle { idle.withLock { $0.append(connection) } } }
        return try body(connection)
    }

    /// The same, tried again where it failed for a reason that passes: a server that starts anew, a connection that was closed while nobody
    /// looked, transactions in each other's way.
    ///
    /// - Parameter body: may be carried out twice, so it must not matter whether the time before reached the server. It is told how often
    ///   it was tried before.
    package func retrying<Value>(_ body: (PostgresConnection, _ attempt: Int) throws -> Value) throws -> Value {
        let end = ContinuousClock.now + .seconds(limits.retrySeconds)
        var attempt = 0
        while true {
            do {
                return try with { try body($0, attempt) }
            } catch let error as PostgresError where error.isTransient {
                // Others may have been closed with it.
                idle.withLock { $0 = [] }
                // The first time it is more often than not a connection from before.
                let pause = attempt == 0 ? 0.01 : min(0.1 * Double(1 << min(attempt, 5)), 2) * .random(in: 0.5...1)
                guard ContinuousClock.now + .seconds(pause) < end else { throw error }
                Thread.sleep(forTimeInterval: pause)
                attempt = attempt.addingSaturated(1)
            }
        }
    }

    /// Carries out `body` in a transaction, which is rolled back where it throws.
    ///
    /// - Parameter mode: such as `READ ONLY`.
    package func transaction<Value>(
        _ connection: PostgresConnection, _ mode: String = "", _ body: () throws -> Value
    ) throws -> Value {
        try connection.run("BEGIN \(mode)")
        do {
            let value = try body()
            try connection.run("COMMIT")
            return value
        } catch {
            // Of a connection that is gone there is nothing to roll back.
            _ = try? connection.run("ROLLBACK")
            throw error
        }
    }
}
