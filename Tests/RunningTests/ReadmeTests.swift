import Foundation
import Testing
import WorkloadProtocol

/// The specification of the protocol shows a plugin that works: the very files that the other tests run.
@Suite("README of the protocol")
struct ReadmeTests {
    private static let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    private static func text(_ path: String) throws -> String {
        try String(contentsOf: source.appendingPathComponent(path).standardized, encoding: .utf8)
    }
    private static func readme() throws -> String { try text("../../Sources/WorkloadProtocol/README.md") }

    private static func block(_ language: String, after heading: String) throws -> String {
        let readme = try readme()
        let section = try #require(readme.range(of: heading)).upperBound
        let begin = try #require(readme.range(of: "```\(language)\n", range: section..<readme.endIndex)).upperBound
        let end = try #require(readme.range(of: "\n```", range: begin..<readme.endIndex)).lowerBound
        return String(readme[begin..<end]) + "\n"
    }

    @Test("The plugin in Python is the one that is tested")
    func python() throws {
        let program = try Self.text("Fixtures/plugins/sleeper/program.py")
        #expect(try Self.block("python", after: "## A plugin in Python") == program)
        #expect(
            try Self.block("yaml", after: "## A plugin in Python")
                == Self.text("Fixtures/plugins/sleeper/plugin.yaml"))
    }

    @Test("The limits that it states are the manifest's defaults")
    func limits() throws {
        let readme = try Self.readme()
        let limits = PluginManifest.Limits()
        for (key, value) in [
            ("start_s", limits.startSeconds), ("prepare_s", limits.prepareSeconds),
            ("inference_s", limits.inferenceSeconds),
        ] {
            #expect(readme.contains("| `limits.\(key)` | \(Int(value)) |"))
        }
    }

    @Test("Its examples are messages of the protocol")
    func examples() throws {
        let lines = try Self.block("json", after: "## Messages").split(separator: "\n").map { Data($0.utf8) }
        let decoder = JSONDecoder()
        for line in lines { #expect(try decoder.decode(RPCHeader.self, from: line).jsonrpc == "2.0") }
        #expect(lines.count == 9)
        let initialize = try decoder.decode(RPCRequest<InitializeParams>.self, from: lines[0])
        #expect(initialize.params.protocolVersion == workloadProtocolVersion)
        #expect(try decoder.decode(RPCRequest<ProgressParams>.self, from: lines[1]).params.message != nil)
        #expect(try decoder.decode(RPCResponse<InitializeResult>.self, from: lines[2]).result != nil)
        #expect(try decoder.decode(RPCRequest<PrepareParams>.self, from: lines[3]).id == 2)
        #expect(try decoder.decode(RPCResponse<PrepareResult>.self, from: lines[4]).result != nil)
        #expect(try decoder.decode(RPCRequest<RunParams>.self, from: lines[5]).params.count == 3)
        #expect(try decoder.decode(RPCRequest<ProgressParams>.self, from: lines[6]).params.completed == 2)
        #expect(try decoder.decode(RPCResponse<RunResult>.self, from: lines[7]).result?.latencies?.count == 3)
        #expect(try decoder.decode(RPCResponse<RunResult>.self, from: lines[8]).error?.data?.remedy != nil)
    }
}
