import CPostgres
import Core
package import Foundation

/// What a statement answered; freed with its last row.
package final class PostgresResult {
    fileprivate let library: PostgresLibrary
    fileprivate let pointer: OpaquePointer
    fileprivate let columns: Columns

    /// Where the columns of a result are, by their names, and of which types.
    struct Columns: Sendable {
        var places: [String: Int32] = [:]
        var types: [UInt32] = []
    }

    /// - Parameter columns: of the results before it, where a result has one row of several.
    init(_ library: PostgresLibrary, _ pointer: OpaquePointer, columns known: Columns? = nil) {
        self.library = library
        self.pointer = pointer
        if let known {
            columns = known
            return
        }
        var columns = Columns()
        for column in 0..<max(0, tw_pg_columns(library.functions, pointer)) {
            if let name = tw_pg_column_name(library.functions, pointer, column) {
                columns.places[String(cString: name)] = column
            }
            columns.types.append(tw_pg_column_type(library.functions, pointer, column))
        }
        self.columns = columns
    }

    deinit { tw_pg_result_free(library.functions, pointer) }

    var known: Columns { columns }
    var status: Int32 { tw_pg_result_status(library.functions, pointer) }

    func errorField(_ field: Int) -> String? {
        tw_pg_result_error(library.functions, pointer, Int32(truncatingIfNeeded: field)).map { String(cString: $0) }
    }

    package var count: Int { Int(max(0, tw_pg_rows(library.functions, pointer))) }
    package var rows: [PostgresRow] {
        (0..<count).map { PostgresRow(result: self, row: Int32(truncatingIfNeeded: $0)) }
    }
    package var first: PostgresRow? { count > 0 ? PostgresRow(result: self, row: 0) : nil }

    /// How many rows a command inserted, changed or deleted.
    package var changed: Int { Int(String(cString: tw_pg_changed(library.functions, pointer))) ?? 0 }
}

/// One row of what a statement answered.
package struct PostgresRow {
    fileprivate let result: PostgresResult
    fileprivate let row: Int32

    /// The value of a column; `nil` of NULL.
    ///
    /// - Throws: `PostgresError` of the kind `answer` where there is no such column, or it holds another type.
    package func optional<Value: PostgresValue>(_ column: String) throws(PostgresError) -> Value? {
        guard let place = result.columns.places[column] else {
            throw PostgresError(.answer, "the answer has no column `\(column)`")
        }
        let library = result.library.functions
        if tw_pg_is_null(library, result.pointer, row, place) != 0 { return nil }
        let type = result.columns.types.indices.contains(Int(place)) ? result.columns.types[Int(place)] : 0
        let length = Int(max(0, tw_pg_length(library, result.pointer, row, place)))
        let bytes = UnsafeRawBufferPointer(
            start: tw_pg_value(library, result.pointer, row, place), count: length)
        guard let value = Value(bytes, type: PostgresType(rawValue: type)) else {
            throw PostgresError(.answer, "the column `\(column)` holds another type (\(type))")
        }
        return value
    }

    /// - Throws: the same, and where it is NULL.
    package func value<Value: PostgresValue>(_ column: String) throws(PostgresError) -> Value {
        guard let value: Value = try optional(column) else {
            throw PostgresError(.answer, "the column `\(column)` holds nothing")
        }
        return value
    }

    func has(_ column: String) -> Bool { result.columns.places[column] != nil }
    func isNull(_ column: String) -> Bool {
        guard let place = result.columns.places[column] else { return true }
        return tw_pg_is_null(result.library.functions, result.pointer, row, place) != 0
    }
    var names: [String] { Array(result.columns.places.keys) }
}

/// The types that the record is made of, by their numbers in the catalogue (`pg_type.dat`).
package enum PostgresType: UInt32, Sendable {
    case bool = 16
    case bytea = 17
    case int8 = 20
    case int2 = 21
    case int4 = 23
    case text = 25
    case json = 114
    case float4 = 700
    case float8 = 701
    case varchar = 1043
    case name = 19
}

/// What a value can be read as, out of PostgreSQL's binary format.
package protocol PostgresValue {
    /// - Returns: `nil` of another type, and of what does not fit.
    init?(_ bytes: UnsafeRawBufferPointer, type: PostgresType?)
}

extension Int64: PostgresValue {
    package init?(_ bytes: UnsafeRawBufferPointer, type: PostgresType?) {
        switch (type, bytes.count) {
        case (.int8, 8): self = Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        case (.int4, 4): self = Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
        case (.int2, 2): self = Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
        default: return nil
        }
    }
}

extension Int: PostgresValue {
    package init?(_ bytes: UnsafeRawBufferPointer, type: PostgresType?) {
        guard let value = Int64(bytes, type: type) else { return nil }
        self.init(exactly: value)
    }
}

extension Double: PostgresValue {
    package init?(_ bytes: UnsafeRawBufferPointer, type: PostgresType?) {
        guard type == .float8, bytes.count == 8 else { return nil }
        self.init(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
    }
}

extension Bool: PostgresValue {
    package init?(_ bytes: UnsafeRawBufferPointer, type: PostgresType?) {
        guard type == .bool, let byte = bytes.first else { return nil }
        self = byte != 0
    }
}

extension String: PostgresValue {
    package init?(_ bytes: UnsafeRawBufferPointer, type: PostgresType?) {
        guard [.text, .varchar, .json, .name].contains(type) else { return nil }
        self.init(decoding: bytes, as: UTF8.self)
    }
}

extension Data: PostgresValue {
    package init?(_ bytes: UnsafeRawBufferPointer, type: PostgresType?) {
        guard type == .bytea else { return nil }
        self.init(bytes)
    }
}
