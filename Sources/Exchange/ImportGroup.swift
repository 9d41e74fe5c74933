import Core
import Foundation
package import Recording

/// Imports one after the other whose files are of one directory. Of many it holds the first and the last, and what they have together.
package struct ImportGroup: Sendable {
    package private(set) var first: StoredImport
    private let last: StoredImport
    private var count = 1
    package private(set) var suites: Int
    package private(set) var runs: Int
    /// As many as are told.
    private var names: [String]

    private init(_ only: StoredImport) {
        (first, last) = (only, only)
        (suites, runs, names) = (only.suites, only.runs, [only.file])
    }

    /// `3`, or `4-883`.
    package var numbers: String { count == 1 ? "\(first.id)" : "\(first.id)-\(last.id)" }
    package var files: String {
        count == names.count ? Self.files(names) : Self.files(count, first.file, last.file)
    }

    /// Takes the import that came before the first one, where it belongs to them.
    private mutating func takes(_ item: StoredImport) -> Bool {
        guard item.source == first.source, item.id == first.id - 1, Self.directory(item) == Self.directory(first) else {
            return false
        }
        first = item
        count = count.addingSaturated(1)
        suites = suites.addingSaturated(item.suites)
        runs = runs.addingSaturated(item.runs)
        if names.count < Self.mostNames { names.insert(item.file, at: 0) }
        return true
    }

    /// Of how many files all names are told.
    private static let mostNames = 3

    /// The names of files of one directory; of many, how many there are, with the first and the last.
    static func files(_ paths: [String]) -> String {
        guard let first = paths.first, let last = paths.last, paths.count > mostNames else {
            return paths.joined(separator: ", ")
        }
        return files(paths.count, first, last)
    }

    private static func files(_ count: Int, _ first: String, _ last: String) -> String {
        "\(count) files, \(first) to \((last as NSString).lastPathComponent)"
    }

    /// Adds imports to the groups of those that came later.
    ///
    /// - Parameters:
    ///   - imports: the latest first.
    ///   - groups: likewise.
    ///   - most: so many groups are made.
    /// - Returns: false where there are more.
    package static func add(_ imports: [StoredImport], to groups: inout [ImportGroup], most: Int = .max) -> Bool {
        for item in imports {
            if let end = groups.indices.last, groups[end].takes(item) { continue }
            guard groups.count < most else { return false }
            groups.append(ImportGroup(item))
        }
        return true
    }

    private static func directory(_ item: StoredImport) -> String {
        let path = item.file.directoryPart
        return path.isEmpty ? "." : path
    }
}
