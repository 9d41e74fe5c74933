import ArgumentParser
import Terminal

/// `--limit` and `--all`, of commands whose lists grow without end.
struct ListLength: ParsableArguments {
    @Option(help: ArgumentHelp("The largest number to list.", valueName: "number"))
    var limit: Int?

    @Flag(help: "List all.")
    var all = false

    /// More are for the machine's memory, not for anybody who reads.
    static let range = 1...100_000

    func validate() throws {
        if let limit, !Self.range.contains(limit) { throw ValidationError("--limit must be from 1 to 100000.") }
        if all, limit != nil { throw ValidationError("Give --limit or --all, not both.") }
    }

    /// - Parameter usual: without an option.
    /// - Returns: `nil` for all.
    func most(_ usual: Int) -> Int? { all ? nil : limit ?? usual }

    /// One line for people, on the standard error, where there is more than was listed.
    ///
    /// - Parameter what: such as `the latest 20 suites`.
    static func tellMore(_ what: String) { Console.note("only \(what) are listed; --limit or --all lists more") }
}
