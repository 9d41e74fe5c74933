extension [String] {
    /// The entry that is most likely meant by a misspelt one; `nil` if none is near.
    package func closest(to wrong: String) -> String? {
        // No name of ours is longer, and the time goes with the product of the lengths.
        guard wrong.utf8.count <= 100 else { return nil }
        let ranked = map { (name: $0, distance: Self.editDistance($0.lowercased(), wrong.lowercased())) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        // Two letters that changed places are a distance of two.
        return best.distance <= (wrong.count < 4 ? 1 : Swift.max(2, wrong.count / 3)) ? best.name : nil
    }

    /// Levenshtein's distance.
    private static func editDistance(_ a: String, _ b: String) -> Int {
        let (a, b) = ([Character](a), [Character](b))
        var row = [Int](0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let above = row[j + 1]
                row[j + 1] = Swift.min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = above
            }
        }
        return row[b.count]
    }
}
