import API
import Client
import Core
package import Host
package import Settings
import Terminal

/// Where a command puts a document: on the standard output, or into a file that is there when it is whole.
package struct DocumentOutput {
    private let file: OutputFile?

    /// - Parameter path: `-` is the standard output, as `nil` is.
    /// - Throws: `UserError` for a file of a record, `FileProblem` for one that cannot be written.
    package init(_ path: String?, _ existing: OutputFile.Existing, _ surroundings: Surroundings) throws {
        // What goes to a terminal is not what goes to a file.
        file = try path.flatMap { $0 == "-" ? nil : try surroundings.output($0, existing) }
    }

    package func write(_ piece: [UInt8]) throws {
        guard let file else { return Console.print(document: piece) }
        try file.write(piece)
    }

    package func discard() { file?.discard() }

    /// - Parameter note: is told of the file.
    package func finish(note: ((String) -> Void)? = nil) throws {
        guard let file else { return }
        try file.finish()
        note?("wrote \(file.path)")
    }

    /// Writes all of it, and says where.
    package func write(all text: String, note: @escaping (String) -> Void) throws {
        try write(Array(text.utf8))
        try finish(note: note)
    }
}
