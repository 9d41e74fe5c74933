package import Core
import Foundation
import GRDB

/// What a row of the record holds that cannot be: text where a number belongs, or a number that nothing real has. The file may have
/// been edited, damaged, or written by a program of before today's bounds.
package struct DamagedRow: UserFacingError, Sendable, Hashable {
    /// Of a window's row its number; `nil` of others.
    package var run: Int64?
    package var reason: String

    package var userError: UserError {
        UserError(
            .damaged,
            run.map { "run \($0) of the record is damaged: \(reason)" } ?? "a row of the record is damaged: \(reason)")
    }
}

extension Row {
    /// A column's value by its name. GRDB's subscripts end the program where a column holds something else, and what is in the file is not
    /// ours to promise; `Tests/lint` keeps them out of this module.
    ///
    /// - Throws: `DamagedRow` where it has another type, or is NULL and must not be.
    func value<Value: DatabaseValueConvertible>(_ column: String) throws(DamagedRow) -> Value {
        let stored: DatabaseValue = self[column]  // trap: a DatabaseValue is whatever is there.
        guard let value = Value.fromDatabaseValue(stored) else {
            throw DamagedRow(reason: "`\(column)` holds \(Self.kind(stored))")
        }
        return value
    }

    /// The same where nothing is as good as something else: `nil` of NULL and of another type.
    func optional<Value: DatabaseValueConvertible>(_ column: String) -> Value? {
        Value.fromDatabaseValue(self[column] as DatabaseValue)  // trap: as above.
    }

    /// The same by the place that a `Selection` gave the column, for what is read by the million.
    func value<Value: DatabaseValueConvertible>(
        at place: Int, _ name: @autoclosure () -> String
    ) throws(DamagedRow) -> Value {
        let stored: DatabaseValue = self[place]  // trap: as above.
        guard let value = Value.fromDatabaseValue(stored) else {
            throw DamagedRow(reason: "`\(name())` holds \(Self.kind(stored))")
        }
        return value
    }

    func optional<Value: DatabaseValueConvertible>(at place: Int) -> Value? {
        Value.fromDatabaseValue(self[place] as DatabaseValue)  // trap: as above.
    }

    private static func kind(_ value: DatabaseValue) -> String {
        switch value.storage {
        case .null: "nothing"
        case .int64(let number): "\(number)"
        case .double(let number): "\(number)"
        case .string: "text"
        case .blob: "bytes"
        }
    }
}

extension Store {
    /// The values of rows that have been kept whole; those that were damaged are left out, for nothing that one row holds may keep all
    /// others from being read.
    ///
    /// - Parameters:
    ///   - rows: in order; no more of them are read than are wanted.
    ///   - damaged: is told of each that is left out.
    static func wholeRows<Value>(
        _ rows: RowCursor, limit: Int = .max, damaged: (DamagedRow) throws -> Void = { _ in },
        _ make: (Row) throws -> Value
    ) throws -> [Value] {
        var values: [Value] = []
        while values.count < limit, let row = try rows.next() {
            do {
                values.append(try make(row))
            } catch let error as DamagedRow {
                try damaged(error)
            }
        }
        return values
    }

    /// A page of the same. What is left out makes it no shorter, so that an empty one is the last.
    ///
    /// - Parameter fetch: rows with their `id`, by the last id before them, so many at the most.
    static func wholePage<Value>(
        after id: Int64, limit: Int, damaged: (DamagedRow) throws -> Void = { _ in },
        fetch: (Int64, Int) throws -> RowCursor, make: (Row) throws -> Value
    ) throws -> [Value] {
        var values: [Value] = []
        var last = id
        while values.count < limit {
            let asked = limit - values.count
            var (seen, next) = (0, last)
            values += try wholeRows(try fetch(last, asked), damaged: damaged) { row in
                seen += 1
                next = row.optional("id") ?? next
                return try make(row)
            }
            if seen < asked || next == last { break }
            last = next
        }
        return values
    }

    /// A window's record out of its JSON.
    ///
    /// - Throws: `DamagedRow` where it is no record, or one whose numbers cannot be.
    static func record(_ json: String, run id: Int64, _ decoder: JSONDecoder) throws(DamagedRow) -> RunRecord {
        let record: RunRecord
        do { record = try decoder.decode(RunRecord.self, from: Data(json.utf8)) } catch {
            throw DamagedRow(run: id, reason: "its record is none, or lacks a part")
        }
        if let problem = record.outOfBounds { throw DamagedRow(run: id, reason: "\(problem)") }
        return record
    }
}
