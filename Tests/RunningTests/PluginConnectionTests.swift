import Core
import Foundation
import Synchronization
import Testing
import WorkloadProtocol

@testable import PluginHosting
@testable import Running

/// One call at a time, with its deadlines; no process.
@Suite("Plugin connection")
struct PluginConnectionTests {
    private static let silent: @Sendable ([UInt8]) async throws -> Void = { _ in }
    private static func progress(_ text: String) -> [UInt8] {
        Array(#"{"jsonrpc": "2.0", "method": "progress", "params": \#(text)}"#.utf8)
    }

    private static func failure(_ work: () async throws -> Void) async -> PluginFailure? {
        do {
            try await work()
            return nil
        } catch {
            return error as? PluginFailure
        }
    }

    @Test("A request is one line, its answer is matched by its id")
    func exchange() async throws {
        let sent = Mutex<[[UInt8]]>([])
        let connection = PluginConnection(plugin: "p") { line in sent.withLock { $0.append(line) } }
        async let result: RunResult = connection.call(.run, RunParams(count: 2), timeout: 5)
        while sent.withLock(\.isEmpty) { try await Task.sleep(for: .milliseconds(1)) }
        connection.receive(
            Array(
                #"{"jsonrpc":"2.0","id":1,"result":{"completed":2,"failed":0,"start_monotonic_s":1,"end_monotonic_s":2}}"#
                    .utf8))
        #expect(try await result == RunResult(completed: 2, failed: 0, start: 1, end: 2, latencies: nil))
        let lines = sent.withLock { $0.map { String(decoding: $0, as: UTF8.self) } }
        #expect(lines == [#"{"id":1,"jsonrpc":"2.0","method":"run","params":{"count":2}}"# + "\n"])
    }

    @Test("A plugin that ends before it is called is missed by the call that comes next")
    func endedBetweenCalls() async {
        let connection = PluginConnection(plugin: "p", send: Self.silent)
        connection.end(nil)
        let failure = await Self.failure {
            let _: PrepareResult = try await connection.call(.prepare, PrepareParams(), timeout: 1)
        }
        #expect(failure?.cause == .ended(during: "prepare", status: nil))
    }

    @Test("Progress for ever does not keep a start going for ever")
    func endlessProgress() async throws {
        let connection = PluginConnection(plugin: "p", send: Self.silent)
        let talking = Task {
            while (try? await Task.sleep(for: .milliseconds(10))) != nil {
                connection.receive(Self.progress(#"{"message": "still downloading"}"#))
            }
        }
        defer { talking.cancel() }
        let begin = ContinuousClock.now
        let failure = await Self.failure {
            let _: PrepareResult = try await connection.call(.prepare, PrepareParams(), timeout: 0.3)
        }
        #expect(failure?.cause == .timedOut(call: "prepare", seconds: 3))
        #expect(ContinuousClock.now - begin > .seconds(2.9))
    }

    @Test("A run that stops making progress is told from one that never did")
    func stalled() async throws {
        let connection = PluginConnection(plugin: "p", send: Self.silent)
        let talking = Task {
            for count in [1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3] {
                try await Task.sleep(for: .milliseconds(50))
                connection.receive(Self.progress(#"{"completed": \#(count)}"#))
            }
        }
        defer { talking.cancel() }
        let failure = await Self.failure {
            let _: RunResult = try await connection.call(.run, RunParams(count: 9), timeout: 60, patience: 0.6)
        }
        #expect(failure?.cause == .stalled(call: "run", seconds: 0.6))
    }

    @Test("A run is not longer than its timeout, whatever its progress")
    func longRun() async throws {
        let connection = PluginConnection(plugin: "p", send: Self.silent)
        let talking = Task {
            for count in 1...1000 {
                try await Task.sleep(for: .milliseconds(10))
                connection.receive(Self.progress(#"{"completed": \#(count)}"#))
            }
        }
        defer { talking.cancel() }
        let failure = await Self.failure {
            let _: RunResult = try await connection.call(.run, RunParams(count: 9), timeout: 1, patience: 0.6)
        }
        #expect(failure?.cause == .timedOut(call: "run", seconds: 1))
    }

    @Test("A write that blocks does not hold up the timeout")
    func blockedWrite() async throws {
        let connection = PluginConnection(plugin: "p") { _ in try await Task.sleep(for: .seconds(3600)) }
        let failure = await Self.failure {
            let _: PrepareResult = try await connection.call(.prepare, PrepareParams(), timeout: 0.1)
        }
        #expect(failure?.cause == .timedOut(call: "prepare", seconds: 0.1))
    }

    @Test("Cancelling a call ends it")
    func cancelled() async throws {
        let connection = PluginConnection(plugin: "p", send: Self.silent)
        let task = Task {
            let _: PrepareResult = try await connection.call(.prepare, PrepareParams(), timeout: 60)
        }
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("A parameter that JSON cannot hold fails the call and nothing else")
    func notANumber() async throws {
        let connection = PluginConnection(plugin: "p", send: Self.silent)
        let failure = await Self.failure {
            let _: RunResult = try await connection.call(.run, RunParams(durationSeconds: .nan), timeout: 1)
        }
        #expect(failure.map { "\($0)".contains("JSON value") } == true)
    }

    @Test("What a plugin says is shown in one line without escape sequences")
    func oneLine() {
        let error = WorkloadError(code: 1, message: "a\u{1B}[2J\nb\u{2028}c", remedy: "d\te")
        #expect("\(PluginFailure(plugin: "p", cause: .refused(error)))" == "p: a·[2J·b·c; d·e")
        let long = PluginFailure(
            plugin: "p", cause: .hungUp(during: "run"), lastWords: String(repeating: "x", count: 5000))
        #expect("\(long)".count < 500)
    }

    @Test("A device, a batch and the rest of the description may be left out")
    func description() throws {
        let text = #"{"protocol_version": 1, "workload": {"engine": "e 1", "operations_per_inference": 2e9}}"#
        let result = try JSONDecoder().decode(InitializeResult.self, from: Data(text.utf8))
        #expect(result.workload.engine == "e 1")
        #expect(result.workload.operationsPerInference == 2e9)
        #expect(result.workload.batch == 1)
        // What PluginKit sends comes back whole.
        var workload = result.workload
        workload.model = "m"
        workload.batch = 4
        workload.parameters = ["threads": .integer(2)]
        let sent = try JSONEncoder().encode(InitializeResult(workload: workload))
        #expect(try JSONDecoder().decode(InitializeResult.self, from: sent).workload == workload)
    }
}

@Suite("Line splitter")
struct LineSplitterTests {
    private func pieces(_ chunks: [String], limit: Int) -> [LineSplitter.Piece] {
        var splitter = LineSplitter(limit: limit)
        var pieces: [LineSplitter.Piece] = []
        for chunk in chunks { Array(chunk.utf8).withUnsafeBytes { splitter.feed($0) { pieces.append($0) } } }
        splitter.finish { pieces.append($0) }
        return pieces
    }

    private func lines(_ texts: String...) -> [LineSplitter.Piece] { texts.map { .line(Array($0.utf8)) } }

    @Test("Lines come whole however they are cut")
    func cuts() {
        #expect(pieces(["a", "b\nc", "", "\n\nd"], limit: 10) == lines("ab", "c", "", "d"))
        #expect(pieces(["ab\n"], limit: 10) == lines("ab"))
        #expect(pieces([], limit: 10) == [])
    }

    @Test("A line over the limit is told once, and the next one is whole")
    func limit() {
        #expect(pieces(["12345\n"], limit: 5) == lines("12345"))
        #expect(pieces(["123", "456", "789\nab\n"], limit: 5) == [.tooLong] + lines("ab"))
        #expect(pieces(["1234567"], limit: 5) == [.tooLong])
    }
}
