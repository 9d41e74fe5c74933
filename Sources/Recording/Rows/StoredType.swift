import Foundation
import GRDB
import GRDBSQLite

/// The type of what SQLite holds in a place, which need not be that of its column, without reading what it is.
///
/// To read something as its own type is quick; as another SQLite would convert it to whatever comes of it, so what is damaged would not
/// be told. See [Datatypes In SQLite](https://www.sqlite.org/datatype3.html).
struct StoredType: DatabaseValueConvertible, StatementColumnConvertible {
    private var code: Int32

    static func of(_ row: Row, _ place: Int) -> StoredType {
        (try? row.decode(StoredType.self, atIndex: place)) ?? StoredType(code: SQLITE_NULL)
    }

    /// Whether it is what values of a Swift type are written as.
    @inline(__always)
    func isOwn<Value>(of type: Value.Type) -> Bool {
        switch code {
        case SQLITE_INTEGER:
            type == Int64.self || type == Int64?.self || type == Int.self || type == Int?.self || type == Bool.self
        case SQLITE_FLOAT: type == Double.self || type == Double?.self
        case SQLITE_TEXT: type == String.self || type == String?.self
        case SQLITE_BLOB: type == Data.self
        case SQLITE_NULL: type == String?.self || type == Int64?.self || type == Int?.self || type == Double?.self
        default: false
        }
    }

    init(code: Int32) { self.code = code }

    init?(sqliteStatement: SQLiteStatement, index: CInt) { code = sqlite3_column_type(sqliteStatement, index) }

    /// GRDB's own takes NULL for no value.
    @inline(__always)
    static func fromStatement(_ sqliteStatement: SQLiteStatement, atUncheckedIndex index: CInt) -> StoredType? {
        StoredType(sqliteStatement: sqliteStatement, index: index)
    }

    // It is never written, and never what is in a column.
    var databaseValue: DatabaseValue { .null }
    static func fromDatabaseValue(_ dbValue: DatabaseValue) -> StoredType? { nil }
}
