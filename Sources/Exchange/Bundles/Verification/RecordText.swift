import Core
import Foundation

/// A record as it stands in the bundle against the record that was read of it: some members follow from others and are
/// written for whoever reads the file, and no program of ours reads them. Who changes one misleads people alone.
enum RecordText {
    /// - Parameters:
    ///   - line: of `runs.jsonl`, written by this version.
    ///   - number: of the run, from 1.
    static func finding(_ line: Data, of run: RunRecord, number: Int) throws -> VerificationFinding? {
        let written = try JSONDecoder().decode(JSONValue.self, from: line)
        let meant = try JSONDecoder().decode(JSONValue.self, from: BundleJSON.line(run))
        return difference(written, meant, path: "").map { path in
            .failed(.figures, "run \(number): `\(path)` in runs.jsonl is not what follows from the rest of the run")
        }
    }

    /// Where the two first differ.
    private static func difference(_ a: JSONValue, _ b: JSONValue, path: String) -> String? {
        switch (a, b) {
        case (.object(let a), .object(let b)):
            for key in Set(a.keys).union(b.keys).sorted() {
                let place = path.isEmpty ? key : "\(path).\(key)"
                if let found = difference(a[key] ?? .null, b[key] ?? .null, path: place) { return found }
            }
            return nil
        case (.array(let a), .array(let b)) where a.count == b.count:
            return zip(a, b).enumerated().lazy.compactMap { index, pair in
                difference(pair.0, pair.1, path: "\(path)[\(index)]")
            }.first
        default: return a == b || number(a) != nil && number(a) == number(b) ? nil : path
        }
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}
