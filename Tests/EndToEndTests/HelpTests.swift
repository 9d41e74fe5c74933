import ArgumentParser
import Commands
import Core
import Exchange
import Foundation
import Reporting
import Terminal
import Testing

@testable import taskwatt

/// What the command line says of itself, and how it reads what is typed.
@Suite struct HelpTests {
    @Test func aListShortensUUIDsAsFarAsTheyDiffer() {
        let uuids = ["6993b425-56cb-4123-8204-97318dd5851e", "77d0e5a2-56cb-4123-8204-97318dd5851e"]
        #expect(SuiteList.digits(uuids) == 8 && SuiteList.digits([]) == 8)
        #expect(SuiteList.digits(uuids + ["6993b425-57cb-4123-8204-97318dd5851e"]) == 11)
    }

    @Test(arguments: [
        (["python3", "f.py"], ["python3", "f.py"]), (["--", "python3", "f.py"], ["python3", "f.py"]),
        (["--interval", "10ms", "sleep", "1"], ["sleep", "1"]), (["--json", "ls", "--json"], ["ls", "--json"]),
        (["ls", "--help"], ["ls", "--help"]), (["python3", "--version"], ["python3", "--version"]),
        (["-o", "x.json", "sort", "-o", "y"], ["sort", "-o", "y"]),
        (["sh", "-c", "a b", "--", "c"], ["sh", "-c", "a b", "--", "c"]),
    ]) func measureNeedsNoTerminator(arguments: [String], command: [String]) throws {
        let measure = try? Taskwatt.line.parsed(["measure"] + arguments) as? Measure
        #expect((measure?.command ?? []) == command)
    }

    @Test func theOptionsBeforeACommandAreOfMeasure() throws {
        let measure = try #require(
            try Taskwatt.line.parsed(["measure", "--json", "-o", "x", "ls", "-o", "y"]) as? Measure)
        #expect(measure.json && measure.output == "x" && measure.command == ["ls", "-o", "y"])
        #expect(!(try Taskwatt.line.parsed(["measure", "--help"]) is Measure))
    }

    @Test(arguments: HelpTopic.allCases) func aTopicExplainsItsWords(topic: HelpTopic) throws {
        let text = try #require(try Taskwatt.line.topic(["help", topic.rawValue]))
        for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        // A word and at most five lines that explain it.
        var lines = 0
        for line in text.split(separator: "\n") {
            lines = line.hasPrefix("    ") ? lines + 1 : 0
            #expect(lines <= 5, "\(line)")
        }
        let words: [String] =
            switch topic {
            case .scopes: TotalScope.allCases.map(\.rawValue) + MeterScope.allCases.map(\.rawValue)
            case .terms: Provenance.allCases.map(\.rawValue) + ["gross", "net", "coverage", "session", "repeat"]
            case .flags: RunFlag.allCases.map(\.rawValue) + EnergyFlag.allCases.map(\.rawValue)
            case .exitStatuses: UserError.Kind.allCases.map { "\($0.exitStatus)" }
            }
        for word in words { #expect(text.contains(word), "\(word)") }
    }

    @Test func helpKnowsItsTopicsAndRefusesWhatIsNone() throws {
        #expect(try Taskwatt.line.topic(["help"]) == nil && Taskwatt.line.topic(["help", "table"]) == nil)
        #expect(
            try Taskwatt.line.topic(["table", "scopes"]) == nil
                && Taskwatt.line.topic(["help", "plugin", "new"]) == nil)
        for (words, meant) in [(["scope"], "scopes"), (["tabel"], "table"), (["plugin", "chek"], "plugin check")] {
            let failure = #expect(throws: UserError.self) { try Taskwatt.line.topic(["help"] + words) }
            #expect(failure?.kind == .usage && failure?.description.contains(meant) == true, "\(words)")
        }
        let help = Taskwatt.helpMessage(columns: 80)
        for topic in HelpTopic.allCases { #expect(help.contains("taskwatt help \(topic.rawValue)")) }
    }

    @Test func theHelpNamesEachColumnAndEachExport() {
        let table = Table.configuration.discussion
        for column in TableColumn.allCases { #expect(table.contains("\n  \(column.name) "), "\(column.name)") }
        let export = ExportCommand.configuration.discussion
        for format in ExportFormat.allCases { #expect(export.contains("  \(format.rawValue) "), "\(format)") }
    }

    /// The parser would wrap them in the middle, to the margin.
    @Test func examplesFitATerminalOf80Columns() {
        var commands: [any ParsableCommand.Type] = [Taskwatt.self]
        while let command = commands.popLast() {
            commands += command.configuration.subcommands
            let lines = command.configuration.discussion.split(separator: "\n")
            for line in lines where line.hasPrefix("  ") { #expect(line.count <= 80, "\(line)") }
        }
    }
}
