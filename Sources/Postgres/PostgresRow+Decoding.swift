import Foundation

extension PostgresRow {
    /// The row as a value whose coding keys are the columns' names.
    ///
    /// - Throws: `PostgresError` where a column is missing, or holds another type.
    package func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try Value(from: RowDecoder(row: self))
    }
}

/// Hands a row's columns to a `Decodable`. A column is a number, text, a flag or bytes; nothing in it is nested.
private struct RowDecoder: Decoder {
    let row: PostgresRow
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Columns(row: row))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw PostgresError(.answer, "a row is no list")
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        throw PostgresError(.answer, "a row is no single value")
    }
}

private struct Columns<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let row: PostgresRow
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { row.names.compactMap(Key.init(stringValue:)) }

    func contains(_ key: Key) -> Bool { row.has(key.stringValue) }
    func decodeNil(forKey key: Key) throws -> Bool { row.isNull(key.stringValue) }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try row.value(key.stringValue) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try row.value(key.stringValue) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try row.value(key.stringValue) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try row.value(key.stringValue) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try row.value(key.stringValue) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try other(key) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try other(key) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try other(key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try other(key) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try other(key) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try other(key) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try other(key) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try other(key) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try other(key) }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        if type == Data.self, let bytes = try row.value(key.stringValue) as Data as? Value { return bytes }
        return try other(key)
    }

    private func other<Value>(_ key: Key) throws -> Value {
        throw PostgresError(.answer, "the column `\(key.stringValue)` is read as another type")
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { try other(key) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try other(key) }
    func superDecoder() throws -> any Decoder { RowDecoder(row: row) }
    func superDecoder(forKey key: Key) throws -> any Decoder { RowDecoder(row: row) }
}
