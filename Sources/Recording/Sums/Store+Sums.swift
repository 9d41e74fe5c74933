import Core
import GRDB

extension Store {
    /// The sums of the windows that fit, all from one moment of the record.
    ///
    /// What whole sessions have is in the sums, whatever group of windows is asked for; of a session that reaches over an edge of the time
    /// asked for, or over midnight where days are apart, and of what no group has, the windows are read.
    package func sums(_ query: SumsQuery) throws(StoreError) -> SumsAnswer {
        try summed { db in
            var reader = try SumsReader(db, query)
            return try reader.answer()
        }
    }

    /// Reads where the sums are those of the windows; brings them up to date before if they are not.
    func summed<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do {
            for _ in 0..<3 {
                do {
                    let value = try pool.read { db -> Value? in try RecordSums.isSettled(db) ? try body(db) : nil }
                    if let value { return value }
                    try settleSums()
                } catch is RecordSums.Damage {
                    try settleSums(rebuilding: true)
                }
            }
        } catch {
            throw StoreError(error, path: path)
        }
        throw .failed(path: path, reason: "its sums are damaged, and are so again when they are made anew")
    }
}

extension RunFilter {
    /// The same of query windows.
    var queries: RunFilter {
        var queries = self
        queries.stage = .query
        return queries
    }

    /// Whether it chooses by what a group does not have.
    var isFinerThanGroups: Bool {
        (parameters ?? [:]).keys.contains { name in
            name == "size" || name == "device" || name == "precision" || TaskParameters.isOfSome(name)
        }
    }

    /// Whether windows of a time are chosen.
    var hasTimes: Bool { since != nil || until != nil }

    func isInTime(_ unixSeconds: Double) -> Bool {
        unixSeconds >= since ?? -.infinity && unixSeconds < until ?? .infinity
    }

    /// Whether windows of the group fit; the suite's run and the time are not looked at.
    func fits(_ group: ResultGroup) -> Bool {
        let key = group.key
        func isEqual(_ asked: String?, _ value: String?) -> Bool { asked == nil || asked == value }
        return isEqual(task?.rawValue, key.task.rawValue) && isEqual(source?.rawValue, key.source.rawValue)
            && isEqual(suite, key.suite) && isEqual(plugin, key.plugin) && isEqual(model, key.model)
            && isEqual(dataset, key.dataset) && isEqual(device, key.device) && isEqual(size, key.size)
            && isEqual(label, key.label) && isEqual(precision, key.precision) && isEqual(engine, key.engine)
            && (machine.map { $0 == group.machine || key.fingerprint.hasPrefix($0) } ?? true)
            && (parameters ?? [:]).allSatisfy { name, value in
                let own = name == "batch" ? String(key.batch) : key.settings[name]
                guard let own else { return false }
                // Numbers are equal as numbers are: 20 is 20.0.
                return own == value || Double(own).map { $0 == Double(value) } ?? false
            }
    }
}
