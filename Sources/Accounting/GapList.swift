import Core

/// The stretches of time that a meter did not see, in order.
struct GapList {
    private var gaps: [Window] = []

    /// Adds a stretch that begins no earlier than the last one; touching stretches become one.
    mutating func add(from start: MonotonicTime, to end: MonotonicTime) {
        guard end > start else { return }
        if let last = gaps.last, start <= last.end {
            gaps[gaps.count - 1].end = max(last.end, end)
        } else {
            gaps.append(Window(start: start, end: end))
        }
    }

    /// How much of the window the gaps take, in nanoseconds.
    func overlap(with window: Window) -> Int64 {
        gaps.reduce(0) { sum, gap in
            sum + max(0, min(gap.end, window.end) - max(gap.start, window.start))
        }
    }
}
