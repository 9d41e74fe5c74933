import Core

/// How much a suite comes to, multiplied out, before anything of it is made. Tasks that are asked for and entries that have them are a
/// product, as are entries and the parameters that each gets: both are short to write, and neither fits into a memory.
package struct SuiteProduct: Sendable, Hashable {
    /// Entries: the paper's suite has 240.
    package static let mostEntries = 10_000
    /// Query windows of all entries and sessions. At a second each it is a month and a half.
    package static let mostWindows = 4_000_000
    /// Bytes of the entries' texts and parameters, which a job keeps and a record holds.
    package static let mostBytes = 16 << 20

    package var entries = 0
    package var windows = 0
    package var bytes = 0

    /// The first bound that is passed, and by how much.
    package struct Excess: Sendable, Hashable {
        var count: Int
        var most: Int
        var what: String
        var remedy: String

        var message: String { "comes to \(count) \(what), and \(most) are the most" }
    }

    package var excess: Excess? {
        if entries > Self.mostEntries {
            return Excess(
                count: entries, most: Self.mostEntries, what: "entries",
                remedy: "name each task once, or make several suites of it")
        }
        if windows > Self.mostWindows {
            return Excess(
                count: windows, most: Self.mostWindows, what: "repeats in all sessions",
                remedy: "lower `repeats`, `max_repeats` or `sessions`")
        }
        if bytes > Self.mostBytes {
            return Excess(
                count: bytes, most: Self.mostBytes, what: "bytes of names and parameters in its entries",
                remedy: "shorten the parameters, or make several suites of it")
        }
        return nil
    }

    fileprivate mutating func add(_ count: Int, bytes: Int, windows: Int) {
        entries = Self.sum(entries, count)
        self.bytes = Self.sum(self.bytes, Self.product(count, bytes))
        self.windows = Self.sum(self.windows, Self.product(count, windows))
    }

    private static func sum(_ a: Int, _ b: Int) -> Int {
        let (value, overflow) = a.addingReportingOverflow(b)
        return overflow ? .max : value
    }

    fileprivate static func product(_ a: Int, _ b: Int) -> Int {
        let (value, overflow) = a.multipliedReportingOverflow(by: b)
        return overflow ? .max : value
    }
}

extension Suite {
    /// What the suite comes to, with what the user asks for instead.
    func product(with overrides: SuiteOverrides = SuiteOverrides()) -> SuiteProduct {
        let more = JSONValue.object(overrides.parameters).textBytes
        let names = [overrides.plugin, overrides.model, overrides.device].reduce(0) { $0 + ($1?.utf8.count ?? 0) }
        let sessions = max(1, overrides.sessions ?? sessions)
        let hasWidth = overrides.untilCI != nil || (untilCI != nil && overrides.repeats == nil)
        let usual = hasWidth ? overrides.maxRepeats ?? maxRepeats : overrides.repeats ?? repeats
        let isUsual = overrides.repeats != nil || overrides.untilCI != nil
        var asked: [MLTask: Int] = [:]
        for task in overrides.tasks { asked[task, default: 0] += 1 }
        var product = SuiteProduct()
        var found: Set<MLTask> = []
        for entry in entries {
            let times = overrides.tasks.isEmpty ? 1 : asked[entry.task, default: 0]
            if times == 0 { continue }
            found.insert(entry.task)
            let own = isUsual ? usual : entry.repeats ?? usual
            product.add(
                times, bytes: entry.textBytes + more + names, windows: SuiteProduct.product(max(1, own), sessions))
        }
        for (task, times) in asked where !found.contains(task) {
            product.add(
                times, bytes: task.rawValue.utf8.count + more + names,
                windows: SuiteProduct.product(max(1, usual), sessions))
        }
        return product
    }

    /// - Throws: `SuiteError.tooLarge`.
    func check(_ product: SuiteProduct) throws(SuiteError) {
        if let excess = product.excess { throw .tooLarge(name, excess) }
    }
}

extension Suite.Entry {
    fileprivate var textBytes: Int {
        JSONValue.object(parameters).textBytes
            + [task.rawValue, plugin, model, dataset, device].reduce(0) { $0 + ($1?.utf8.count ?? 0) }
    }
}

extension JSONValue {
    /// About how many bytes it is as JSON.
    fileprivate var textBytes: Int {
        switch self {
        case .null, .bool: 5
        case .integer, .number: 8
        case .string(let text): text.utf8.count + 2
        case .array(let values): values.reduce(2) { $0 + $1.textBytes + 1 }
        case .object(let values): values.reduce(2) { $0 + $1.key.utf8.count + $1.value.textBytes + 4 }
        }
    }
}
