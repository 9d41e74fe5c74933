import Core
import Foundation

/// JSON as a bundle has it: keys in order, so that the same values are the same bytes.
enum BundleJSON {
    static func line(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }

    static func document(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        return try encoder.encode(value) + Data("\n".utf8)
    }

    /// - Parameter place: the file, and the line if there is one, for the error.
    static func decode<Value: Decodable>(_ type: Value.Type, _ data: Data, _ place: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw BundleError("\(place): \(reason(error))")
        } catch {
            throw BundleError("\(place): this is not JSON")
        }
    }

    private static func reason(_ error: DecodingError) -> String {
        func path(_ context: DecodingError.Context) -> String {
            context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context):
            return "`\(path(context).isEmpty ? "" : path(context) + ".")\(key.stringValue)` is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "`\(path(context))` is not what it should be"
        case .dataCorrupted(let context):
            return path(context).isEmpty ? "this is not JSON" : "`\(path(context))` is not what it should be"
        @unknown default: return "this is not what it should be"
        }
    }
}
