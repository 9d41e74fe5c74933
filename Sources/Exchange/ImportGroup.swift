import Core
import Foundation
package import Recording

/// Imports one after the other whose files are of one directory.
package struct ImportGroup: Sendable {
    package private(set) var first: StoredImport
    private var imports: [StoredImport]

    private init(_ first: StoredImport) { (self.first, imports) = (first, [first]) }

    /// `3`, or `4-883`.
    package var numbers: String { imports.count == 1 ? "\(first.id)" : "\(first.id)-\(last.id)" }
    package var suites: Int { imports.reduce(0) { $0 + $1.suites } }
    package var runs: Int { imports.reduce(0) { $0 + $1.runs } }
    package var files: String { Self.files(imports.map(\.file)) }

    private var last: StoredImport { imports.last ?? first }

    /// Of how many files all names are told.
    private static let mostNames = 3

    /// The names of files of one directory; of many, how many there are, with the first and the last.
    static func files(_ paths: [String]) -> String {
        guard let first = paths.first, let last = paths.last, paths.count > mostNames else {
            return paths.joined(separator: ", ")
        }
        return "\(paths.count) files, \(first) to \((last as NSString).lastPathComponent)"
    }

    /// - Parameter imports: by their numbers.
    package static func groups(_ imports: [StoredImport]) -> [ImportGroup] {
        var groups: [ImportGroup] = []
        for item in imports {
            if let last = groups.last?.last, last.source == item.source, last.id == item.id - 1,
                directory(last) == directory(item)
            {
                groups[groups.count - 1].imports.append(item)
            } else {
                groups.append(ImportGroup(item))
            }
        }
        return groups
    }

    private static func directory(_ item: StoredImport) -> String {
        let path = item.file.directoryPart
        return path.isEmpty ? "." : path
    }
}
