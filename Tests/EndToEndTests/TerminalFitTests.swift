import Reporting
import Testing

@testable import Terminal

/// What is printed on a terminal fits its width.
@Suite struct TerminalFitTests {
    private func lines(_ text: String, _ width: Int) -> [String] {
        TerminalFit(width: width)(text).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private var table: TextTable {
        var table = TextTable([("task", .left), ("kWh: mean", .decimal), ("models", .left), ("n", .right)])
        table.add(["text classification", "0.00061", "bert-base-uncased, distilbert-base-uncased", "3"])
        table.add(["", "0.5", "", "12"])
        return table
    }

    @Test func whatFitsStaysAsItIs() {
        let text = table.text() + "\nA note.\n    indented\n\n"
        #expect(TerminalFit(width: 200)(text) == text)
    }

    @Test func notesWrapBetweenWordsAndCodesStayWhole() {
        let note = "In all rows the idle power is `taskwatt run --idle 10` of it and some more words"
        let wrapped = lines(note, 40)
        #expect(wrapped.allSatisfy { $0.count <= 40 } && wrapped.count > 1)
        #expect(wrapped.dropFirst().allSatisfy { $0.hasPrefix("  ") })
        #expect(wrapped.contains { $0.contains("`taskwatt run --idle 10`") })
        let words = { (text: String) in text.split { $0 == " " || $0 == "\n" } }
        #expect(words(wrapped.joined(separator: "\n")) == words(note))
    }

    @Test(arguments: [60, 50, 40]) func aTableWrapsWithinItsCells(width: Int) {
        let wrapped = lines(table.text() + "a short note\n", width)
        #expect(wrapped.allSatisfy { $0.count <= width }, "\(wrapped)")
        // No figure is broken, and nothing is lost.
        for figure in ["0.00061", "0.5", "12"] { #expect(wrapped.contains { $0.contains(figure) }) }
        let letters = { (text: String) in text.filter { !$0.isWhitespace && $0 != "─" } }
        #expect(letters(wrapped.joined()).sorted() == letters(table.text() + "a short note").sorted())
        #expect(wrapped.contains("a short note"))
    }

    @Test func aTableOfFiguresContinuesBelow() {
        let names = (1...8).map { "column\($0)" }
        var table = TextTable([("row", .left)] + names.map { ($0, .right) })
        table.add(["first"] + names.map { "\($0)00" })
        let wrapped = lines(table.text(), 40)
        #expect(wrapped.allSatisfy { $0.count <= 40 })
        #expect(wrapped.count { $0.hasPrefix("first") } > 1)
        for name in names { #expect(wrapped.contains { $0.contains("\(name)00") }) }
    }

    @Test func eachPartOfATableTellsItsRowsApart() {
        let names = (1...8).map { "column\($0)" }
        var table = TextTable([("row", .left)] + names.map { ($0, .right) } + [("with", .left)])
        for with in ["a=1", "a=2"] { table.add(["same"] + names.map { "\($0)00" } + [with]) }
        let wrapped = lines(table.text(), 40)
        #expect(wrapped.allSatisfy { $0.count <= 40 })
        for with in ["a=1", "a=2"] { #expect(wrapped.count { $0.hasPrefix("same  \(with)") } > 1, "\(wrapped)") }
        #expect(!wrapped.contains { $0.hasPrefix("same  column") })
    }

    @Test func aNumberStaysWithItsUnit() {
        for width in 10...40 {
            let wrapped = lines("a figure of 3.9 % and of ± 95 % or 10⁻⁵ kWh: many", width)
            for whole in ["3.9 %", "± 95 %", "10⁻⁵ kWh:"] {
                #expect(wrapped.contains { $0.contains(whole) }, "\(width): \(wrapped)")
            }
        }
    }

    @Test(arguments: [("80", 80), ("200", 200), ("7", nil), ("wide", nil), ("", nil)] as [(String, Int?)])
    func theVariableSaysHowWideALineIs(columns: String, width: Int?) {
        #expect(Console.width(of: -1, columns: columns) == width)
    }

    /// The parser of the command line wraps lines of 80 characters again.
    @Test func aListOfNamesLeavesTheParserNothingToWrap() {
        for length in 1...30 {
            let text = NameList.text([
                ("name", Array(repeating: String(repeating: "x", count: length), count: 40).joined(separator: " "))
            ])
            #expect(text.split(separator: "\n").allSatisfy { $0.count < 80 }, "\(length)")
        }
    }

    @Test func commandsAndColumnsOfOtherKindsAreLeftAlone() {
        for line in [
            "    sudo usermod -aG taskwatt ada && newgrp taskwatt # and a rather long line",
            "a  b  c  " + String(repeating: "d", count: 90),
        ] {
            #expect(lines(line, 40) == [line])
        }
        let named = lines("cpu features       " + Array(repeating: "avx512", count: 12).joined(separator: " "), 60)
        #expect(named.count > 1 && named.dropFirst().allSatisfy { $0.hasPrefix(String(repeating: " ", count: 19)) })
    }

    @Test func marksOfStylesTakeNoPlace() {
        let bold = ConsoleStyle.bold.mark + "word word" + ConsoleStyle.plain.mark
        #expect(lines(bold, 9) == [bold])
        #expect(TerminalFit(width: 6)(bold) == ConsoleStyle.bold.mark + "word\n  word" + ConsoleStyle.plain.mark)
    }
}
