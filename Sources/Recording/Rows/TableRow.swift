import Core
import GRDB

/// A row of a table of the record. Its properties are the table's columns, the only place where these are named: each has the column's name
/// with capitals in place of underscores, and the unit that the column's name ends with (`energyUj` is `energy_uj`, in microjoules).
protocol TableRow: Codable, Sendable, FetchableRecord, PersistableRecord {
    associatedtype CodingKeys: ColumnName
}

extension TableRow {
    /// In the order of the properties, which is also that of a `RowReader`.
    static var databaseSelection: [any SQLSelectable] { CodingKeys.allCases.map { Column($0.stringValue) } }
}

/// The columns of a table.
protocol ColumnName: CodingKey, CaseIterable, RawRepresentable<String>, Sendable {
    /// `columnNames()`, kept.
    static var names: [String] { get }
    /// Whether SQLite lets nothing but their type or NULL into the columns, as into those of a STRICT table.
    static var areStrict: Bool { get }
}

extension ColumnName {
    /// By the columns' bytes.
    static func columnNames() -> [String] {
        var names = Array(repeating: "", count: 256)
        for column in allCases {
            names[column.byte] = column.rawValue.reduce(into: "") { name, letter in
                name += letter.isUppercase ? "_\(letter.lowercased())" : String(letter)
            }
        }
        return names
    }

    /// What the column is in memory, where no two are the same: to look for it by that costs nothing.
    fileprivate var byte: Int { withUnsafeBytes(of: self) { Int($0.first ?? 0) } }

    var stringValue: String { Self.names[byte] }
    init?(stringValue: String) {
        guard let column = Self.allCases.first(where: { $0.stringValue == stringValue }) else { return nil }
        self = column
    }
    static var areStrict: Bool { true }
    var intValue: Int? { nil }
    init?(intValue: Int) { nil }
}

/// Columns that a query asks for, and where each of them is in its rows: a name is looked for once a query, not once a row.
struct Selection<Name: ColumnName>: Sendable {
    /// As they stand behind SELECT.
    let sql: String
    private let places: [Int]
    /// The place of the column behind the last of them.
    let end: Int

    /// - Parameters:
    ///   - table: by which the query knows it.
    ///   - first: the place of the first of them, where the columns of another table are before.
    init(_ columns: [Name] = Array(Name.allCases), of table: String, from first: Int = 0) {
        sql = columns.map { "\(table).\($0.stringValue)" }.joined(separator: ", ")
        var places = Array(repeating: Int.max, count: 256)
        for (place, column) in columns.enumerated() { places[column.byte] = first + place }
        self.places = places
        end = first + columns.count
    }

    func reader(_ row: Row) -> RowReader<Name> { RowReader(row: row, selection: self) }

    fileprivate func place(_ column: Name) -> Int { places[column.byte] }
}

/// The values of a row by the names of its columns.
struct RowReader<Name: ColumnName> {
    fileprivate let row: Row
    fileprivate let selection: Selection<Name>

    /// - Throws: `DamagedRow` where the column holds another type, or NULL and must not.
    func callAsFunction<Value: DatabaseValueConvertible & StatementColumnConvertible>(
        _ column: Name
    ) throws(DamagedRow) -> Value {
        let place = selection.place(column)
        // A STRICT table has looked at the type already.
        if Name.areStrict || StoredType.of(row, place).isOwn(of: Value.self),
            let value = try? row.decode(Value.self, atIndex: place)
        {
            return value
        }
        return try row.value(at: place, column.stringValue)
    }

    /// - Throws: `DamagedRow` for what is no time that a date can be made of.
    func time(_ column: Name) throws(DamagedRow) -> Double {
        guard let seconds = try optionalTime(column) else {
            throw DamagedRow(reason: "`\(column.stringValue)` holds nothing")
        }
        return seconds
    }

    func optionalTime(_ column: Name) throws(DamagedRow) -> Double? {
        guard let seconds: Double = try self(column) as Double? else { return nil }
        guard Bounds.unixSeconds.contains(seconds) else { throw DamagedRow(reason: "\(seconds) is not a time") }
        return seconds
    }

    /// `nil` of NULL and of another type.
    func optional<Value: DatabaseValueConvertible>(_ column: Name) -> Value? {
        row.optional(at: selection.place(column))
    }
}
