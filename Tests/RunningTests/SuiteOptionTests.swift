import Core
import Foundation
import Testing

@testable import Running
@testable import Suites

/// The table of options, against what reads and writes them.
@Suite("Options of suites and runs")
struct SuiteOptionTests {
    private static func overrides(_ json: String) throws -> SuiteOverrides {
        try JSONDecoder().decode(SuiteOverrides.self, from: Data(json.utf8))
    }

    /// A value of an option that is not its default, in YAML.
    private static func example(_ option: SuiteOption) -> String {
        switch option.values {
        case .text: "something"
        case .label: "before"
        case .flag: "true"
        case .whole(let range): "\(min(7, range.upperBound))"
        case .number: "7.5"
        case .share: "3%"
        case .wholeOrAuto: "auto"
        case .choice(let words): words.first ?? ""
        case .texts: "[a, b]"
        case .mapping: "{a: 1}"
        case .section(let place):
            "{" + SuiteOption.all(in: place).map { "\($0.key): \(example($0))" }.joined(separator: ", ") + "}"
        case .entries: "[{task: fill-mask}]"
        }
    }

    @Test("Every option of a suite's file is read, and changes something")
    func suiteFile() throws {
        let plain = try SuiteFile.parse("runs: [{task: fill-mask}]", file: "s.yaml")
        for option in SuiteOption.all(in: .suite) where option != .runs {
            let text = "\(option.key): \(Self.example(option))\nruns: [{task: fill-mask}]"
            var suite = try SuiteFile.parse(text, file: "s.yaml")
            suite.entries[0].place = plain.entries[0].place
            #expect(suite != plain, "\(option.rawValue)")
        }
        let entry = try #require(plain.entries.first)
        for option in SuiteOption.all(in: .entry) where option != .task {
            let text = "runs: [{task: fill-mask, \(option.key): \(Self.example(option))}]"
            #expect(try SuiteFile.parse(text, file: "s.yaml").entries.first != entry, "\(option.rawValue)")
        }
    }

    @Test("What the table calls a default is what a suite has that says nothing")
    func defaults() throws {
        let plain = try SuiteFile.parse("runs: [{task: fill-mask}]", file: "s.yaml")
        for place in [SuiteOption.Place.suite, .warmUp, .coolDown] {
            let section = [SuiteOption.Place.warmUp: "warm_up", .coolDown: "cool_down"][place]
            for option in SuiteOption.all(in: place) {
                guard let value = option.facts.default, Double(value) != nil || value == "false" else { continue }
                let line = "\(option.key): \(value)"
                let text = (section.map { "\($0): {\(line)}" } ?? line) + "\nruns: [{task: fill-mask}]"
                var suite = try SuiteFile.parse(text, file: "s.yaml")
                // The section by itself says how long a rest may be.
                if place == .coolDown {
                    #expect(suite.coolDownMost == 300 && suite.coolDownSeconds == 0)
                    suite.coolDownMost = nil
                }
                suite.entries[0].place = plain.entries[0].place
                #expect(suite == plain, "\(option.rawValue)")
            }
        }
        let counted = try SuiteFile.parse("runs: [{task: fill-mask, count: 1000}]", file: "s.yaml")
        #expect(SuiteOption.count.facts.default == "1000" && counted.entries[0].amount == plain.entries[0].amount)
        #expect(SuiteOption.device.facts.default == plain.entries[0].device)
    }

    @Test("What is asked for goes out and comes in by the names of the table, each of which changes something")
    func json() throws {
        var all = SuiteOverrides()
        all.tasks = [.fillMask]
        (all.plugin, all.model, all.device, all.label) = ("p", "m", "d", "l")
        (all.repeats, all.maxRepeats, all.sessions, all.count) = (2, 4, 3, .number(5))
        (all.untilCI, all.sessionPauseSeconds, all.idleSeconds) = (0.02, 1.5, 2.5)
        (all.isStrict, all.allowsEstimate, all.parameters) = (true, false, ["a": .integer(1)])
        let data = try JSONEncoder().encode(all)
        #expect(try JSONDecoder().decode(SuiteOverrides.self, from: data) == all)
        let fields = try JSONDecoder().decode([String: JSONValue].self, from: data)
        #expect(Set(fields.keys) == Set(SuiteOption.all(in: .overrides).map(\.rawValue)))
        for (name, value) in fields {
            let one = try JSONDecoder().decode(SuiteOverrides.self, from: JSONEncoder().encode([name: value]))
            #expect(one != SuiteOverrides(), "\(name)")
        }
        #expect(try JSONEncoder().encode(SuiteOverrides()) == Data("{}".utf8))
        #expect(try Self.overrides("{}") == SuiteOverrides())
        #expect(try Self.overrides(#"{"count":"auto"}"#).count == .auto)
        for wrong in ["\"many\"", "1.5", "true"] {
            #expect(throws: DecodingError.self, "\(wrong)") { try Self.overrides("{\"count\":\(wrong)}") }
        }
    }

    @Test(
        "A field that nobody reads is refused, and the one that is meant is named",
        arguments: [
            ("repeat", "repeats"), ("until_cl", "until_ci"), ("untilInterval", "until_ci"), ("isStrict", "strict"),
            ("hasAutoCount", "count"), ("idleSeconds", "idle_s"),
        ])
    func unknown(field: String, meant: String) throws {
        do {
            _ = try Self.overrides("{\"\(field)\":1}")
            Issue.record("was accepted")
        } catch DecodingError.dataCorrupted(let context) {
            #expect(context.debugDescription.contains("`\(field)`; did you mean `\(meant)`?"), "\(context)")
        }
    }

    @Test("What a record holds in the words before 1.0 means the same")
    func former() throws {
        let recorded = """
            {"tasks":["fill-mask"],"parameters":{"isStrict":1},"repeats":2,"hasAutoCount":true,"untilInterval":0.1,
             "mostRepeats":9,"sessionPauseSeconds":1,"isStrict":true,"allowsEstimate":true,"idleSeconds":3}
            """
        let value = SuiteOverrides.translated(try JSONDecoder().decode(JSONValue.self, from: Data(recorded.utf8)))
        let read = try JSONDecoder().decode(SuiteOverrides.self, from: JSONEncoder().encode(value))
        var all = SuiteOverrides()
        (all.tasks, all.parameters, all.repeats, all.count) = ([.fillMask], ["isStrict": .integer(1)], 2, .auto)
        (all.untilCI, all.maxRepeats, all.sessionPauseSeconds) = (0.1, 9, 1)
        (all.isStrict, all.allowsEstimate, all.idleSeconds) = (true, true, 3)
        #expect(read == all)
        #expect(SuiteOverrides.translated(.object(["hasAutoCount": .bool(false)])) == .object([:]))
    }

    @Test("Names are snake_case, and the command line has the same with hyphens")
    func names() {
        for option in SuiteOption.allCases {
            #expect(
                option.rawValue.wholeMatch(of: /[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)?/) != nil, "\(option.rawValue)")
            #expect(
                !option.facts.places.isEmpty && !option.facts.meaning.isEmpty && !option.facts.meaning.hasSuffix("."))
        }
        let names = (SuiteOption.all(in: .overrides) + SuiteOption.all(in: .job)).map(\.commandLine)
        #expect(Set(names).count == names.count)
        #expect(
            SuiteOption.untilCI.commandLine == "until-ci" && SuiteOption.sessionPause.commandLine == "session-pause")
        #expect(SuiteOption.tasks.commandLine == "task" && SuiteOption.parameters.commandLine == "set")
    }

    @Test("A number at the end of its range can be, and the next one cannot")
    func ranges() {
        for option in SuiteOption.allCases {
            switch option.values {
            case .whole(let range), .wholeOrAuto(let range):
                #expect(option.reason(range.lowerBound) == nil && option.reason(range.upperBound) == nil)
                #expect(option.reason(range.lowerBound - 1) != nil, "\(option.rawValue)")
            case .number(let range), .share(let range, _):
                #expect(option.reason(range.lowerBound) == nil && option.reason(range.upperBound) == nil)
                #expect(option.reason(range.upperBound.nextUp) != nil && option.reason(.nan) != nil)
                #expect(option.reason(range.lowerBound.nextDown) != nil, "\(option.rawValue)")
            default: break
            }
            if case .share(_, let example) = option.values { #expect(option.share(example) != nil) }
        }
        var overrides = SuiteOverrides()
        #expect(overrides.problem == nil)
        overrides.sessions = 0
        #expect(overrides.problem?.option == .sessions)
        overrides.count = .number(0)
        #expect(overrides.problem?.option == .count)
    }

    // MARK: The document

    private static func row(_ option: SuiteOption) -> String {
        let places = option.facts.places
        let section = option.rawValue.contains(".")
        let file = section || places.contains(.suite) ? "suite" : places.contains(.entry) ? "run" : ""
        let both = places.contains(.suite) && places.contains(.entry) ? "suite, run" : file
        let isCommand = !places.isDisjoint(with: [.overrides, .job])
        return "| `\(option.rawValue)` | \(both) | \(isCommand ? "`--\(option.commandLine)`" : "") "
            + "| \(option.valuesText) | \(option.facts.default ?? "") | \(option.facts.meaning) |"
    }

    @Test("The README of the method has the table as it is")
    func readme() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/Running/Method/README.md").standardized
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
        let rows = SuiteOption.allCases.map(Self.row)
        let missing = rows.filter { !lines.contains($0) }
        #expect(missing.isEmpty, "put these into Sources/Running/Method/README.md:\n\(missing.joined(separator: "\n"))")
        let head = try #require(lines.firstIndex { $0.hasPrefix("| option | in the file |") })
        #expect(Array(lines[(head + 2)...].prefix(while: { $0.hasPrefix("|") })) == rows)
    }
}
