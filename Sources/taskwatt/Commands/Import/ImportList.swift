import API
import ArgumentParser
import Core
import Foundation
import Recording
import Reporting
import Service

struct ImportList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the imported files.",
        discussion: """
            Files of one directory that were imported together share a line.

            Examples:
              taskwatt import list
              taskwatt import list --json | jq -r '.[].file'
            """)

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        let imports = try await Record.find(Surroundings(), state).imports()
        if json { return Console.print(try Console.json(imports)) }
        guard !imports.isEmpty else { return Console.note("nothing was imported") }
        var table = TextTable([
            ("import", .right), ("source", .left), ("when", .left), ("suites", .right), ("runs", .right),
            ("file", .left),
        ])
        for group in Self.together(imports) {
            guard let first = group.first, let last = group.last else { continue }
            table.add([
                group.count == 1 ? String(first.id) : "\(first.id)-\(last.id)", first.source.rawValue,
                CSVWriter.time(first.importedAt).prefix(16) + "Z", String(group.reduce(0) { $0 + $1.suites }),
                String(group.reduce(0) { $0 + $1.runs }),
                Self.files(group.map(\.file)),
            ])
        }
        Console.print(.lines(table.text()))
    }

    /// Of how many files all names are told.
    private static let mostNames = 3

    /// The names of files of one directory; of many, how many there are, with the first and the last.
    static func files(_ paths: [String]) -> String {
        guard let first = paths.first, let last = paths.last, paths.count > mostNames else {
            return paths.joined(separator: ", ")
        }
        return "\(paths.count) files, \(first) to \((last as NSString).lastPathComponent)"
    }

    /// Imports one after the other whose files are of one directory.
    private static func together(_ imports: [StoredImport]) -> [[StoredImport]] {
        var groups: [[StoredImport]] = []
        for item in imports {
            if let last = groups.last?.last, last.source == item.source, last.id == item.id - 1,
                directory(last) == directory(item)
            {
                groups[groups.count - 1].append(item)
            } else {
                groups.append([item])
            }
        }
        return groups
    }

    private static func directory(_ item: StoredImport) -> String {
        let path = item.file.directoryPart
        return path.isEmpty ? "." : path
    }
}
