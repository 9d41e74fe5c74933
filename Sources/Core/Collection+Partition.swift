extension RandomAccessCollection {
    /// The first place that belongs to the second part, in a collection whose elements of the first part come before all others; by
    /// halving, so in O(log n).
    package func partitioningIndex(where isInSecondPart: (Element) -> Bool) -> Index {
        var begin = startIndex
        var count = self.count
        while count > 0 {
            let middle = index(begin, offsetBy: count / 2)
            if isInSecondPart(self[middle]) {
                count /= 2
            } else {
                begin = index(after: middle)
                count -= count / 2 + 1
            }
        }
        return begin
    }
}
