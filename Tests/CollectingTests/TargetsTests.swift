import Core
import Exchange
import Forwarding
import Foundation
import GRDB
import HTTPTypes
import Listening
import Recording
import TestSupport
import Testing

@testable import Collecting

/// What Prometheus is told of the machines.
@Suite("Targets of Prometheus")
struct TargetsTests {
    /// A machine that tells where it serves its metrics, whatever becomes of what it sends.
    private func tell(_ bench: CollectorBench, _ metrics: String?, token: String) async throws {
        var headers: HTTPFields = [.authorization: "Bearer \(token)"]
        headers[try #require(HTTPField.Name(AgentField.metrics))] = metrics
        _ = try await bench.ask(.post, "/v1/bundles", headers)
    }

    @Test("By the address that the machine told last, else by its name and the port that is given")
    func addresses() async throws {
        let bench = try CollectorBench()
        let told = [
            ("a", nil, "a:9200", nil), ("b", "http://*:9121", "b:9121", "http"),
            ("c", "https://10.0.0.7:9120", "10.0.0.7:9120", "https"),
            ("d", "https://[fd00::7]:9120", "[fd00::7]:9120", "https"),
            // What cannot be, and what would be the collector itself, is as if nothing had been told.
            ("e", "http://127.0.0.1:22", "e:9200", nil), ("f", "ftp://f:1", "f:9200", nil),
            ("g", "http://g", "g:9200", nil), ("h", "http://x y:1", "h:9200", nil),
            ("i", "http://\(String(repeating: "i", count: 400)):1", "i:9200", nil), ("j", "http://j:0", "j:9200", nil),
        ]
        for (name, metrics, _, _) in told.reversed() {
            try await tell(bench, metrics, token: try bench.enrol(name, machines: [name]))
        }
        // One that was never heard, one that listens on no network, and one that was revoked.
        _ = try bench.enrol("k", machines: ["k"])
        try await tell(bench, "none", token: try bench.enrol("l", machines: ["l"]))
        try await tell(bench, "http://m:1", token: try bench.enrol("m", machines: ["m"]))
        #expect(try bench.ledger.revoke("m", at: bench.now))

        let targets = ScrapeTargets(try bench.ledger.machines(), [], port: 9200)
        #expect(targets.groups.map(\.targets) == told.map { [$0.2] } + [["k:9200"]])
        #expect(targets.groups.map { $0.labels["__scheme__"] } == told.map(\.3) + [nil])
        #expect(targets.groups.map { $0.labels["machine"] } == told.map(\.0) + ["k"])
        #expect(targets.unreachable == ["l"])
        #expect(ScrapeTargets(try bench.ledger.machines(), []).groups.first?.targets == ["a:9120"])
    }

    @Test("Its labels are its name and its class, of the equipment that it has now, and nothing else")
    func labels() async throws {
        let bench = try CollectorBench()
        let redaction = try Redaction(secret: Data("s".utf8), hostNames: ["node7"], userNames: [])
        let pseudonym = try redaction.machine("node7")
        let token = try bench.enrol("lab7", machines: ["node7", pseudonym])
        _ = try bench.enrol("lab8", machines: ["node8"])
        func labels() throws -> [[String: String]] {
            ScrapeTargets(try bench.ledger.machines(), try bench.store.fleet()).groups.map(\.labels)
        }
        #expect(try labels() == [["machine": "lab7"], ["machine": "lab8"]])
        #expect(try await bench.send(try await bench.bundle(redaction: redaction), token: token).status == 201)
        let first = try #require(try labels().first)
        #expect(first.count == 2 && first["machine"] == "lab7" && first["class"]?.hasPrefix("Test #") == true)
        // Equipped anew.
        _ = try bench.store.beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "", options: "{}", machineName: "node7",
                inventory: #"{"cpu":{"model":"Other CPU"}}"#, machineState: "{}", meters: [], version: "9",
                startedAt: 1_764_000_900))
        #expect(try labels().first?["class"]?.hasPrefix("Other #") == true)
    }

    @Test("JSON as file_sd has it, the same to the byte as long as nothing changes")
    func json() throws {
        struct Group: Decodable, Equatable {
            var targets: [String]
            var labels: [String: String]
        }
        let bench = try CollectorBench()
        #expect(try JSONDecoder().decode([Group].self, from: Data(ScrapeTargets([], []).json())).isEmpty)
        for name in ["node9", "node10", "node1"] { _ = try bench.enrol(name, machines: [name]) }
        let json = try ScrapeTargets(try bench.ledger.machines(), []).json()
        #expect(
            try JSONDecoder().decode([Group].self, from: Data(json))
                == ["node1", "node10", "node9"].map { Group(targets: ["\($0):9120"], labels: ["machine": $0]) })
        try bench.ledger.heard("node1", MachineSign(version: "9"), at: 5)
        #expect(try ScrapeTargets(try bench.ledger.machines(), []).json() == json)
    }

    @Test(
        "What a machine tells of its listener",
        arguments: [
            ("127.0.0.1:9120", false, "none"), ("localhost:9120", false, "none"), ("[::1]:9120", true, "none"),
            ("0.0.0.0:9120", false, "http://*:9120"), ("[::]:9121", true, "http://*:9121"),
            ("10.0.0.7:9120", false, "http://10.0.0.7:9120"), ("10.0.0.7:9120", true, "http://*:9120"),
            ("lab7.example:1", false, "http://lab7.example:1"), ("[fd00::7]:9120", false, "http://[fd00::7]:9120"),
            ("0.0.0.0:0", false, "none"),
        ])
    func listener(address: String, hidesHost: Bool, told: String) throws {
        var listener = ListenerConfiguration(address: try ListenAddress(address))
        let metrics = MetricsAddress(listener, hidesHost: hidesHost)
        #expect("\(metrics)" == told && MetricsAddress(told) == metrics)
        listener.tls = .init(certificate: "/c", key: "/k")
        #expect("\(MetricsAddress(listener, hidesHost: hidesHost))" == told.replacing("http:", with: "https:"))
        #expect(MetricsAddress(nil, hidesHost: hidesHost) == .none)
    }

    @Test("A ledger of before knows its machines still")
    func earlier() throws {
        let directory = try TemporaryDirectory()
        let queue = try DatabaseQueue(path: "\(directory.path)/collector.sqlite")
        try LedgerSchema.migrator.migrate(queue, upTo: "1 machines and bundles")
        try queue.write { db in
            try db.execute(sql: "INSERT INTO machine (name, enrolled_at, version) VALUES ('node7', 5, '0.9')")
        }
        try queue.close()
        let ledger = try Ledger(directory: directory.path)
        let machine = try #require(try ledger.machines().first)
        #expect(machine.name == "node7" && machine.version == "0.9" && machine.metrics == nil)
        try ledger.heard("node7", MachineSign(metrics: "none"), at: 6)
        #expect(try ledger.machines().first?.metrics == "none")
    }
}
