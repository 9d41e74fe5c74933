import Core
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Recording
import Synchronization
import Testing

@testable import Listening
@testable import Service

/// Reports, tables and exports: some at a time, and the rest is told to come again.
@Suite("Heavy answers")
struct HeavyAnswersTests {
    /// Work that goes on until it is let, and says how much of it there is at once.
    private final class Gate: Sendable {
        private struct State {
            var running = 0
            var most = 0
            var isOpen = false
            var waiting: [CheckedContinuation<Void, Never>] = []
        }
        private let state = Mutex(State())

        var most: Int { state.withLock(\.most) }

        @concurrent
        func pass() async {
            state.withLock { state in
                state.running += 1
                state.most = max(state.most, state.running)
            }
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
            state.withLock { $0.running -= 1 }
        }

        func open() {
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                state.isOpen = true
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    private final class Noted: Sendable {
        private let words = Mutex<[String]>([])
        var all: [String] { words.withLock { $0 } }
        func note(_ word: String) { words.withLock { $0.append(word) } }
    }

    private func answers(_ change: (inout HeavyAnswers.Limits) -> Void) -> HeavyAnswers {
        var limits = HeavyAnswers.Limits()
        limits.atOnce = 2
        change(&limits)
        return HeavyAnswers(limits)
    }

    private func expectBusy(_ body: () async throws -> Void) async {
        let refusal = await #expect(throws: Refusal.self) { try await body() }
        #expect(refusal?.status == .serviceUnavailable)
        #expect(refusal?.error.kind == .busy)
        #expect(refusal?.headers[.retryAfter].flatMap { Int($0) } ?? 0 > 0)
    }

    @Test("So many at a time, so many wait, and the next is told to come again; at the bound and beyond it")
    func bounds() async throws {
        let answers = answers { $0.mostWaiting = 3 }
        let gate = Gate()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<5 {
                group.addTask {
                    try await answers.answer(.local) {
                        await gate.pass()
                        return number
                    }
                }
            }
            // Two have begun, and are at it.
            let isFull = try await eventually { answers.load == (2, 3) && gate.most == 2 }
            #expect(isFull)
            await expectBusy { try await answers.answer(.local) {} }
            gate.open()
            var all: [Int] = []
            for try await number in group { all.append(number) }
            #expect(all.sorted() == [0, 1, 2, 3, 4])
        }
        #expect(gate.most == 2)
        #expect(answers.load == (0, 0))
        #expect(try await answers.answer(.remote) { 7 } == 7)
    }

    @Test("Readers on TCP do not take the places of the Unix socket, which comes first")
    func lanes() async throws {
        let answers = answers {
            $0.atOnce = 1
            $0.mostWaiting = 4
            $0.mostReadersWaiting = 2
        }
        let gate = Gate()
        let order = Noted()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await answers.answer(.remote) { await gate.pass() } }
            #expect(try await eventually { answers.load == (1, 0) })
            for _ in 0..<2 {
                group.addTask { try await answers.answer(.remote) { order.note("remote") } }
            }
            #expect(try await eventually { answers.load == (1, 2) })
            await expectBusy { try await answers.answer(.remote) {} }
            group.addTask { try await answers.answer(.local) { order.note("local") } }
            #expect(try await eventually { answers.load == (1, 3) })
            gate.open()
            try await group.waitForAll()
        }
        #expect(order.all == ["local", "remote", "remote"])
    }

    @Test("It is done on threads of its own, at the lowest priority")
    func threads() async throws {
        let seen = try await answers { _ in }.answer(.local) {
            (threadName(), getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0))
        }
        #expect(seen.0 == "answers")
        #expect(seen.1 == 19)
    }

    private static func served<Value: Sendable>(
        by client: Client, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await Client.$finder.withValue(Client.Finder { client }) { try await work() }
    }

    @Test("Whoever goes is given up, waiting or running, and what is thrown frees the place")
    func cancelled() async throws {
        let answers = answers { $0.atOnce = 1 }
        let gate = Gate()
        let client = Client()
        let ran = Noted()
        let first = Task { try await answers.answer(.local) { await gate.pass() } }
        #expect(try await eventually { answers.load == (1, 0) })
        let waits = Task {
            try await Self.served(by: client) {
                try await answers.answer(.local) { ran.note("ran") }
            }
        }
        #expect(try await eventually { answers.load == (1, 1) })
        client.goes()
        await #expect(throws: CancellationError.self) { try await waits.value }
        #expect(answers.load == (1, 0))
        gate.open()
        try await first.value
        // Gone before it asked.
        await #expect(throws: CancellationError.self) {
            try await Self.served(by: client) {
                try await answers.answer(.local) { ran.note("ran") }
            }
        }
        #expect(ran.all.isEmpty)
        let other = Client()
        let runs = Task {
            try await Self.served(by: other) {
                try await answers.answer(.local) {
                    other.goes()
                    while !Task.isCancelled { await Task.yield() }
                    throw CancellationError()
                }
            }
        }
        await #expect(throws: CancellationError.self) { try await runs.value }
        #expect(answers.load == (0, 0))
    }

    @Test("So many exports are open at a time, and each of them goes on")
    func open() async throws {
        let answers = answers {
            $0.mostOpen = 3
            $0.mostReadersOpen = 2
            $0.mostWaiting = 0
        }
        var places = [try answers.open(.remote), try answers.open(.remote)]
        await expectBusy { _ = try answers.open(.remote) }
        places.append(try answers.open(.local))
        await expectBusy { _ = try answers.open(.local) }
        let pieces = try await withThrowingTaskGroup(of: Int.self) { group in
            for (index, place) in places.enumerated() { group.addTask { try await place.piece { index } } }
            return try await group.reduce(0, +)
        }
        #expect(pieces == 3)
        places = []
        _ = try answers.open(.remote)
    }

    // MARK: As it is asked for

    @Test("Every route that reads much is refused with 503 and Retry-After while the daemon has enough to do")
    func routes() async throws {
        let daemon = try TestDaemon()
        var routes = daemon.routes
        var limits = HeavyAnswers.Limits()
        (limits.atOnce, limits.mostWaiting, limits.mostOpen) = (0, 0, 0)
        routes.heavy = HeavyAnswers(limits)
        let router = routes.router(.reading)
        let sides = #"{"a":{"label":"a","filter":{}},"b":{"label":"b","filter":{}},"net":false,"mixed":false}"#
        for (method, path, body) in [
            (HTTPRequest.Method.get, "/v1/report", nil), (.get, "/v1/table", nil), (.get, "/v1/methods", nil),
            (.get, "/v1/figure/energy", nil), (.get, "/v1/plane", nil),
            (.get, "/v1/runs", nil), (.get, "/v1/runs/last", nil), (.get, "/v1/suite-runs", nil),
            (.get, "/v1/power", nil), (.get, "/v1/export/runs", nil), (.get, "/v1/export/samples", nil),
            (.get, "/v1/bundle?run=last", nil), (.get, "/v1/imports", nil), (.post, "/v1/compare", sides),
        ] {
            let answer = try await router.execute(
                uri: path, method: method, body: body.map(ByteBuffer.init(string:)))
            #expect(answer.status == .serviceUnavailable, "\(path)")
            #expect(answer.headers[.retryAfter] == "5", "\(path)")
            let error = try JSONDecoder().decode(UserError.self, from: Data(answer.body.readableBytesView))
            #expect(error.kind == .busy, "\(path)")
        }
        // What is small is answered all the same.
        for path in ["/v1/status", "/v1/access", "/metrics", "/"] {
            #expect(try await router.execute(uri: path, method: .get).status == .ok, "\(path)")
        }
    }

    @Test("Who has what is in the record already is told so, until it changes")
    func entityTags() async throws {
        let daemon = try TestDaemon()
        let router = daemon.routes.router()
        func ask(_ path: String, _ tag: String? = nil) async throws -> RouterAnswer {
            try await router.execute(
                uri: path, method: .get, headers: tag.map { [.ifNoneMatch: $0] } ?? [:])
        }
        let first = try await ask("/v1/table")
        let tag = try #require(first.headers[.eTag])
        #expect(tag.hasPrefix("W/\"") && first.status == .ok)
        for sent in [tag, "\"x\", \(tag)", "*"] {
            let again = try await ask("/v1/table", sent)
            #expect(again.status == .notModified && again.body.readableBytes == 0, "\(sent)")
            #expect(again.headers[.eTag] == tag)
        }
        #expect(try await ask("/v1/table", "W/\"other\"").status == .ok)
        // Samples come all the time, and are in no table.
        try daemon.store.record([])
        _ = try await daemon.queue.submit(TestDaemon.request())
        let done = try await eventually {
            try await ask("/v1/table", tag).status == .ok
        }
        #expect(done, "a run in the record makes it another one")
        let uuid = try daemon.store.beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                meters: [], version: "1", startedAt: 1))
        let before = try #require(try await ask("/v1/suite-runs").headers[.eTag])
        try daemon.store.endSuiteRun(uuid, status: .failed, error: "told", at: 5)
        #expect(try await ask("/v1/suite-runs", before).status == .ok)
    }

    @Test("Bodies are as long as their routes have use for, and a byte more is refused")
    func bodies() async throws {
        let router = try TestDaemon().routes.router()
        for (path, most) in [("/v1/compare", 64 << 10), ("/v1/sessions", 64 << 10), ("/v1/jobs", 1 << 20)] {
            for (length, status) in [(most, HTTPResponse.Status.badRequest), (most + 1, .contentTooLarge)] {
                let body = ByteBuffer(repeating: UInt8(ascii: " "), count: length)
                #expect(
                    try await router.execute(uri: path, method: .post, body: body).status == status,
                    "\(path) \(length)")
            }
        }
    }
}

/// proc_tid_comm(5): of the thread that calls it.
private func threadName() -> String? {
    try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8).trimmingCharacters(in: .newlines)
}
