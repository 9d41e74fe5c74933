import Core
import Foundation
import Running
import Suites
import Testing

@testable import YAMLReading

/// Documents whose aliases stand for more than there is memory: each is refused while it is counted, before anything is made of it.
@Suite("Bounds of YAML", .timeLimit(.minutes(1)))
struct YAMLBoundsTests {
    /// Nine levels of nine aliases, 467 bytes or so: 387 million nodes.
    private static let bomb: String = {
        let levels = (1...9).map { level in
            "l\(level): &l\(level) [\(Array(repeating: level == 1 ? "x" : "*l\(level - 1)", count: 9).joined(separator: ", "))]"
        }
        return levels.joined(separator: "\n") + "\n"
    }()

    private func problem(_ text: String) -> String? {
        do throws(YAMLProblem) {
            _ = try YAMLReader(text: text, file: "x.yaml")
            return nil
        } catch {
            return error.description
        }
    }

    @Test(
        "A bomb is told by file, line and number, wherever it stands",
        arguments: ["values", "keys", "after", "document"])
    func bombs(place: String) throws {
        let text =
            switch place {
            // Yams hashes keys while it composes.
            case "keys": Self.bomb + "? *l9\n: 1\n"
            case "after": "runs: [{task: fill-mask}]\n" + Self.bomb
            case "document": "--- !!map\n" + Self.bomb + "...\n"
            default: Self.bomb
            }
        let found = try #require(problem(text))
        #expect(found.contains("\(YAMLBounds.mostNodes)") && found.contains("x.yaml:"))
        #expect(!found.contains("\n"))
    }

    @Test("Suites, manifests and the configuration read by the same reader")
    func everywhere() {
        #expect(throws: YAMLProblem.self) { try SuiteFile.parse(Self.bomb, file: "x.yaml") }
        #expect(throws: YAMLProblem.self) { try ConfigurationFile.sections(text: Self.bomb, file: "x.yaml") }
    }

    @Test("Nodes up to the bound, and one more")
    func nodes() {
        func list(_ count: Int) -> String { "[" + Array(repeating: "1", count: count).joined(separator: ",") + "]" }
        #expect(throws: Never.self) { try YAMLBounds.check(list(YAMLBounds.mostNodes - 1), file: "x") }
        #expect(throws: YAMLProblem.self) { try YAMLBounds.check(list(YAMLBounds.mostNodes), file: "x") }
    }

    @Test("An alias counts as what it names")
    func aliases() {
        // The list, its first entry of 100 nodes and an entry, and so many aliases of it.
        let ones = Array(repeating: "1", count: 99).joined(separator: ",")
        func text(_ aliases: Int) -> String {
            "[&a [\(ones)]," + Array(repeating: "*a", count: aliases).joined(separator: ",") + "]"
        }
        let most = (YAMLBounds.mostNodes - 1) / 100 - 1
        #expect(throws: Never.self) { try YAMLBounds.check(text(most), file: "x") }
        #expect(throws: YAMLProblem.self) { try YAMLBounds.check(text(most + 1), file: "x") }
    }

    @Test("Depth up to the bound, and one more, by brackets and by aliases")
    func depth() {
        func brackets(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try YAMLBounds.check(brackets(YAMLBounds.mostDepth), file: "x") }
        #expect(throws: YAMLProblem.self) { try YAMLBounds.check(brackets(YAMLBounds.mostDepth + 1), file: "x") }
        // 100,000 levels of one alias each would end the process when they are let go.
        let chain = "a: &n0 [x]\n" + (1...100_000).map { "b\($0): &n\($0) [*n\($0 - 1)]\n" }.joined()
        #expect(throws: YAMLProblem.self) { try YAMLBounds.check(chain, file: "x") }
    }

    @Test("Bytes of text, each scalar as often as it is named")
    func bytes() {
        let scalar = String(repeating: "a", count: 1 << 20)
        func text(_ aliases: Int) -> String {
            "[&a \(scalar)," + Array(repeating: "*a", count: aliases).joined(separator: ",") + "]"
        }
        let most = YAMLBounds.mostTextBytes >> 20
        #expect(throws: Never.self) { try YAMLBounds.check(text(most - 1), file: "x") }
        #expect(throws: YAMLProblem.self) { try YAMLBounds.check(text(most), file: "x") }
    }

    @Test("A document up to the bound, and a byte more")
    func document() {
        let comment = "#" + String(repeating: "x", count: YAMLBounds.mostBytes - 1)
        #expect(throws: Never.self) { try YAMLBounds.check(comment, file: "x") }
        #expect(throws: YAMLProblem.self) { try YAMLBounds.check(comment + "x", file: "x") }
    }

    @Test("Anchors as people use them are read")
    func aliasesThatAreGood() throws {
        let suite = try SuiteFile.parse(
            """
            runs:
              - {task: fill-mask, parameters: &p {threads: 2}}
              - {task: summarization, parameters: *p}
            """, file: "x.yaml")
        #expect(suite.entries.map(\.parameters) == [["threads": .integer(2)], ["threads": .integer(2)]])
    }

    @Test("Unknown keys are told up to the bound, and that there are more; the known ones are there")
    func unknownKeys() throws {
        for (count, told) in [(20, 20), (21, 21), (80_000, 21)] {
            let keys = (0..<count).map { "stranger\($0): 1\n" }.joined()
            var problems: [YAMLProblem] = []
            let values = try YAMLReader(text: keys + "name: x\n", file: "x.yaml")
                .mapping(keys: ["name"]) { problems.append($0) }
            #expect(problems.count == told)
            #expect(values["name"] != nil)
        }
        #expect(YAMLReader.mostUnknown == 20)
    }

    @Test("A key of a megabyte is not copied into the path of each entry below it")
    func longKeys() throws {
        let key = String(repeating: "k", count: 500_000)
        let rows = (0..<20_000).map { "a\($0): 1" }.joined(separator: ", ")
        let reader = try YAMLReader(text: "? \(key)\n: {\(rows)}\n", file: "x")
        guard case .object(let values) = try reader.json(), case .object(let inner) = values[key] else {
            Issue.record("no mapping")
            return
        }
        #expect(inner.count == 20_000)
    }
}
