import Core
import Exchange
import Foundation
import Recording
import TestSupport
import Testing

/// Bundles with a value that none can have, though the manifest fits: the place is named, and nothing is imported.
@Suite(.serialized) struct BundleDamageTests {
    struct Damage: Sendable, CustomTestStringConvertible {
        var file: String
        var python: String
        var reason: String
        var testDescription: String { "\(file): \(reason)" }

        var alteration: BundleBench.Alteration { BundleBench.Alteration(file: file, python: python) }
    }

    /// One record for all damages, which only read it, and their bundles.
    private static let damaged = Task {
        let bench = try BundleBench()
        return (bench: bench, files: try await bench.altered(damages.map(\.alteration)))
    }

    static let damages: [Damage] = [
        Damage(
            file: "runs.jsonl", python: "text = text.replace('\"energy_j\":1000,', '\"energy_j\":NaN,', 1)",
            reason: "runs.jsonl, line 2"),
        Damage(
            file: "runs.jsonl", python: "text = text.replace('\"energy_j\":1000,', '\"energy_j\":1e999,', 1)",
            reason: "runs.jsonl, line 2"),
        Damage(
            file: "runs.jsonl", python: "text = text.replace('\"energy_j\":1000,', '\"energy_j\":-1000,', 1)",
            reason: "runs.jsonl, line 2: `energy.domains[0].energy_j`"),
        Damage(
            file: "runs.jsonl", python: "text = text.replace('\"coverage\":1,', '\"coverage\":7,', 1)",
            reason: "line 1: `energy.domains[0].coverage`"),
        Damage(
            file: "runs.jsonl",
            python: "text = text.replace('\"completed_inferences\":20', '\"completed_inferences\":-20', 1)",
            reason: "line 2: `completed_inferences`"),
        Damage(
            file: "runs.jsonl",
            python:
                "text = text.replace('\"completed_inferences\":20', '\"completed_inferences\":9223372036854775807', 1)",
            reason: "line 2: `completed_inferences`"),
        Damage(
            file: "runs.jsonl", python: "text = text.replace('\"stage\":\"query\"', '\"stage\":\"quest\"', 1)",
            reason: "line 2: `stage`"),
        Damage(file: "runs.jsonl", python: "text = text.replace('\"flags\":[],', '', 1)", reason: "is missing"),
        Damage(
            file: "runs.jsonl", python: "text = text[:-40]",
            reason: "line 4: the file is cut short in the middle of a line"),
        Damage(
            file: "runs.jsonl", python: "text = text.encode().replace(b'fill-mask', b'\\xff\\xfe')", reason: "line 2"),
        Damage(
            file: "samples.csv", python: "text = text.replace('run,meter,', 'meter,run,', 1)",
            reason: "line 1: the columns are not run,meter,"),
        Damage(
            file: "samples.csv", python: "text = re.sub(r'\\n1,', r'\\n1,1,', text, count=1)",
            reason: "line 2: 8 fields, where a sample has 7"),
        Damage(
            file: "samples.csv", python: "text = re.sub(r'\\n1,', r'\\nx,', text, count=1)",
            reason: "line 2: `run` cannot be x"),
        Damage(
            file: "samples.csv", python: "text = re.sub(r',start', r',begin', text, count=1)",
            reason: "`edge` cannot be begin"),
        Damage(
            file: "samples.csv", python: "text = re.sub(r',17640[0-9.]+,', ',NaN,', text, count=1)",
            reason: "`wall_unix_s` is nan"),
        Damage(
            file: "samples.csv",
            python: "text = re.sub(r'\\n1,([^,]+),[0-9]+,', r'\\n1,\\g<1>,9223372036854775807,', text, count=1)",
            reason: "`monotonic_s` is 9223372036"),
        Damage(
            file: "runs.jsonl",
            python: "text = re.sub(r'\"end_monotonic_s\":[0-9.]+', '\"end_monotonic_s\":1e12', text, count=1)",
            reason: "line 1: `energy.window.end_monotonic_s`"),
        Damage(
            file: "meters.json",
            python: "text = re.sub(r'(\"averaging_s\" ?: ?)[0-9.]+', r'\\g<1>1e30', text, count=1)",
            reason: "`averaging_s` is 1e+30"),
        Damage(file: "samples.csv", python: "text = text.replace('left', 'l\\\"eft', 1)", reason: "line 2"),
        Damage(file: "samples.csv", python: "text = text.encode('utf-16')", reason: "samples.csv, line 1"),
        Damage(
            file: "samples.csv", python: "text = text + '9' + text[text.rindex('\\n4') + 2:]",
            reason: "a sample of run 9, and there are 4"),
        Damage(
            file: "suite.json", python: "text = re.sub(r'(\"uuid\" : \")........', r'\\g<1>ffffffff', text)",
            reason: "it is the record of another suite"),
        Damage(file: "suite.json", python: "text = '[]'", reason: "suite.json"),
        Damage(file: "meters.json", python: "text = '{'", reason: "meters.json: this is not JSON"),
        Damage(file: "state.json", python: "text = 'none'", reason: "state.json: this is not JSON"),
        Damage(file: "state.json", python: "text = '[1, 2]'", reason: "state.json: `state` is no object"),
        Damage(file: "options.json", python: "text = '7'", reason: "options.json: `options` is no object"),
        Damage(
            file: "options.json", python: "text = '{\"a\":' + '[' * 40 + ']' * 40 + '}'",
            reason: "lists and objects within each other"),
        Damage(
            file: "state.json", python: "text = '{\"a\":[' + ','.join(['1'] * 10001) + ']}'",
            reason: "`state.a` has 10001 entries"),
        Damage(file: "preflight.json", python: "text = '{}'", reason: "preflight.json: `preflight` is no list"),
        Damage(file: "preflight.json", python: "text = '[1]'", reason: "`preflight[0]` is no check"),
        Damage(
            file: "preflight.json", python: "text = '[{\"verdict\":1}]'", reason: "`preflight[0].verdict` is not text"),
        Damage(file: "inventory.json", python: "text = text.encode('utf-16')", reason: "inventory.json is not UTF-8"),
    ]

    @Test(arguments: damages) func damagedValuesAreNamed(_ damage: Damage) async throws {
        let damaged = try await Self.damaged.value
        let file = try #require(damaged.files[damage.alteration])
        let store = try damaged.bench.otherStore()
        let before = try shell("sqlite3 \"$1\" .dump", store.path)
        let error = await #expect(throws: BundleError.self) {
            _ = try await BundleImport(store, version: "9.9").run(file, at: 1)
        }
        let text = error?.description ?? ""
        #expect(text.lowercased().contains(damage.reason.lowercased()) && !text.contains("\n"), "\(text)")
        #expect(try shell("sqlite3 \"$1\" .dump", store.path) == before)
    }
}
