import API
import ArgumentParser
import Client
import Core
import Exchange
import Foundation
import Recording
import Reporting
import Settings
import Terminal

struct ImportList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the imported files, the latest first.",
        discussion: """
            Files of one directory that were imported together share a line. Lists 20 lines, and in JSON 20 files, unless --limit \
            or --all says otherwise.

            Examples:
              taskwatt import list
              taskwatt import list --all --json | jq -r '.[].file'
            """)

    private static let usual = 20
    /// So many are read at once; a collector has hundreds of thousands.
    private static let page = 1000

    @OptionGroup var length: ListLength

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: RecordOptions

    func run() async throws {
        let record = try await state.surroundings.record()
        let most = length.most(Self.usual) ?? .max
        if json { return try await printJSON(record, most) }
        var groups: [ImportGroup] = []
        var before: Int64?
        var isWhole = true
        while isWhole {
            let page = try await record.imports(before: before, limit: Self.page)
            guard let last = page.last else { break }
            before = last.id
            isWhole = ImportGroup.add(page, to: &groups, most: most)
        }
        guard !groups.isEmpty else { return Console.note("nothing was imported") }
        var table = TextTable([
            ("import", .right), ("source", .left), ("when", .left), ("suites", .right), ("runs", .right),
            ("file", .left),
        ])
        for group in groups {
            table.add([
                group.numbers, group.first.source.rawValue, CSVWriter.time(group.first.importedAt).prefix(16) + "Z",
                "\(group.suites)", "\(group.runs)", group.files,
            ])
        }
        Console.print(.lines(table.text()))
        if !isWhole { ListLength.tellMore("the latest \(groups.count) lines") }
    }

    /// One array, of which no more than a page is held.
    private func printJSON(_ record: any RecordAccess, _ most: Int) async throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var (printed, before): (Int, Int64?) = (0, nil)
        while true {
            // One more shows whether there are more.
            let left = most - printed
            let page = try await record.imports(before: before, limit: left < Self.page ? left + 1 : Self.page)
            let shown = page.prefix(left)
            for item in shown {
                let text = PrintableText.json(String(decoding: try encoder.encode(item), as: UTF8.self))
                Console.print(.markup((printed == 0 ? "[\n  " : ",\n  ") + text))
                printed += 1
            }
            before = shown.last?.id
            guard page.count == shown.count, !page.isEmpty else {
                Console.print(printed == 0 ? "[]\n" : "\n]\n")
                if page.count > shown.count { ListLength.tellMore("the latest \(printed) files") }
                return
            }
        }
    }
}
