package import Core
package import Recording
import Reporting

extension RecordAccess {
    /// What a filter names and no run or suite of the record is called, with what there is: why nothing fits it. `nil` where each name is
    /// known, and it is all of them together, or the times, that no run fits.
    ///
    /// It asks for what the table and the list know, and is for errors alone.
    package func unknownName(in filter: RunFilter) async throws -> UserError? {
        for name in (filter.suiteRun ?? "").split(separator: ",").map(String.init) {
            if let error = try await unknownSuite(name) { return error }
        }
        let suites = try await suiteRuns(label: nil, suite: nil, machine: nil, limit: Self.mostSuites)
        if let name = filter.suite, try await suiteRuns(label: nil, suite: name, machine: nil, limit: 1).isEmpty {
            return Self.unknown("suite", name, suites.map(\.suite))
        }
        if let name = filter.label, try await suiteRuns(label: name, suite: nil, machine: nil, limit: 1).isEmpty {
            return Self.unknown("label", name, suites.compactMap(\.label))
        }
        for (dimension, name, alone) in filter.names {
            var options = TableReport.Options()
            options.outliers = false
            options.filter = alone
            let report = try await table(options)
            guard report.rows.isEmpty, report.leftOut.isEmpty else { continue }
            options.filter = RunFilter(source: filter.source)
            options.by = dimension == .task ? [.task] : [.task, dimension]
            let known = try await table(options).rows.flatMap { $0.names(of: dimension) }
            return Self.unknown(dimension.rawValue, name, known)
        }
        return nil
    }

    private func unknownSuite(_ name: String) async throws -> UserError? {
        var options = TableReport.Options()
        options.filter = RunFilter(suiteRun: name)
        options.outliers = false
        let report = try await table(options)
        guard report.rows.isEmpty, report.leftOut.isEmpty else { return nil }
        do {
            // A number would be that of a run.
            if try await detail(of: name, columns: 1).run == nil { return nil }
        } catch let error as UserError where error.kind == .unknownName || error.kind == .notFound {
            return error
        }
        return UserError(
            .unknownName, "there is no suite run \(name)", remedy: "`taskwatt list` has the UUID of each")
    }

    private static func unknown(_ what: String, _ name: String, _ known: [String]) -> UserError {
        let known = Set(known).sorted()
        let near = known.closest(to: name)
        let shown = known.prefix(mostNames) + (known.count > mostNames ? ["…"] : [])
        let list = "(in the record: \(shown.isEmpty ? "none" : shown.joined(separator: ", ")))"
        return UserError(
            .unknownName, "unknown \(what) `\(name)` \(list)", remedy: near.map { "did you mean `\($0)`?" })
    }

    private static var mostSuites: Int { 1000 }
    /// An error is a line that is read.
    private static var mostNames: Int { 12 }
}

extension RunFilter {
    /// What the table can be grouped by and a filter names, each with the filter of that alone.
    fileprivate var names: [(dimension: TableDimension, name: String, alone: RunFilter)] {
        let all: [(TableDimension, String?, (inout RunFilter) -> Void)] = [
            (.task, task?.rawValue, { $0.task = task }), (.plugin, plugin, { $0.plugin = plugin }),
            (.model, model, { $0.model = model }), (.dataset, dataset, { $0.dataset = dataset }),
            (.device, device, { $0.device = device }), (.size, size, { $0.size = size }),
            (.precision, precision, { $0.precision = precision }), (.machine, machine, { $0.machine = machine }),
            (.engine, engine, { $0.engine = engine }),
        ]
        return all.compactMap { dimension, name, set in
            guard let name else { return nil }
            var alone = RunFilter(source: source)
            set(&alone)
            return (dimension, name, alone)
        }
    }
}

extension TableReport.Row {
    /// By what names of a dimension a filter chooses its runs.
    fileprivate func names(of dimension: TableDimension) -> [String] {
        switch dimension {
        case .equipment: []
        case .task: [task.rawValue]
        case .model: models
        case .dataset: datasets
        case .device: [setup["device"]].compactMap(\.self)
        case .precision: [setup["precision"]].compactMap(\.self)
        case .plugin: [plugin]
        case .size: [size].compactMap(\.self)
        case .machine: [machine]
        case .engine: [engine].compactMap(\.self)
        case .suite: suites
        case .label: suiteLabels
        case .date, .parameter: []
        }
    }
}
