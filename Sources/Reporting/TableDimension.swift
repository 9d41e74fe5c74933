/// What rows can be told apart and sorted by.
package enum TableDimension: Sendable, Hashable {
    /// `equipment` has the name `class`: machines of the same equipment are in one row, unless `machine` keeps them apart.
    case task, model, dataset, device, machine, equipment, plugin, size, precision, engine, suite, label, date
    /// A parameter of the plugins, such as `threads` or `batch`.
    case parameter(String)

    /// Those that are no parameter.
    package static let named: [TableDimension] = [
        .task, .model, .dataset, .device, .machine, .equipment, .plugin, .size, .precision, .engine, .suite, .label,
        .date,
    ]

    /// The column that shows it.
    var column: TableColumn {
        switch self {
        case .task: .task
        case .model: .models
        case .dataset: .datasets
        case .device: .device
        case .machine: .machine
        case .equipment: .equipment
        case .plugin: .plugin
        case .size: .size
        case .precision: .precision
        case .engine: .engine
        case .suite: .suite
        case .label: .label
        case .date: .date
        case .parameter("batch"): .batch
        case .parameter(let name): .parameter(name)
        }
    }
}

extension TableDimension: RawRepresentable, Codable {
    package var rawValue: String {
        switch self {
        case .task: "task"
        case .model: "model"
        case .dataset: "dataset"
        case .device: "device"
        case .machine: "machine"
        case .equipment: "class"
        case .plugin: "plugin"
        case .size: "size"
        case .precision: "precision"
        case .engine: "engine"
        case .suite: "suite"
        case .label: "label"
        case .date: "date"
        case .parameter(let name): name
        }
    }

    /// - Returns: `nil` of an empty name.
    package init?(rawValue: String) {
        guard !rawValue.isEmpty else { return nil }
        self = Self.named.first { $0.rawValue == rawValue } ?? .parameter(rawValue)
    }

    package init(from decoder: any Decoder) throws {
        let name = try decoder.singleValueContainer().decode(String.self)
        self = TableDimension(rawValue: name) ?? .task
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

extension TableDimension {
    /// Dimensions by the names that a user gives, separated by commas. Any name may be that of a parameter; whether a row has it,
    /// `TableReport.unknownDimension` says.
    package static func parse(_ text: String) -> [TableDimension] {
        var dimensions: [TableDimension] = []
        for name in text.split(separator: ",").map(\.trimmed) {
            // Ours are read in any case; a parameter's name is as the plugin writes it.
            let own = named.first { $0.rawValue == name.lowercased() }
            guard let dimension = own ?? TableDimension(rawValue: name), !dimensions.contains(dimension) else {
                continue
            }
            dimensions.append(dimension)
        }
        return dimensions.isEmpty ? [.task] : dimensions
    }
}

extension TableReport {
    /// What the rows were to be grouped by and none of them has; `nil` where there is no row to tell.
    package var unknownDimension: UnknownName? {
        guard !rows.isEmpty else { return nil }
        let known = Set(rows.flatMap(\.setup.keys))
        for case .parameter(let name) in by where !known.contains(name) {
            let names = TableDimension.named.map(\.rawValue)
            return UnknownName(
                what: "parameter or other thing to group by", name: name,
                known: names + known.subtracting(names).sorted())
        }
        return nil
    }
}
