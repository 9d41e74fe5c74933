/// What `taskwatt metrics` makes of the daemon's metrics.
package enum MetricsText {
    /// The lines of all families but `process_…`, with what is said of each.
    package static func withoutProcess(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.filter { line in
            let words = line.split(separator: " ", maxSplits: 3)
            let name = words.first == "#" ? words.dropFirst(2).first : words.first
            return name?.hasPrefix("process_") != true
        }.joined(separator: "\n")
    }
}
