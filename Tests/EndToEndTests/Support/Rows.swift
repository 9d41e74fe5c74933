import Foundation

/// The table's JSON, as far as its form is promised.
struct Rows: Decodable {
    struct Row: Decodable {
        var task: String
        var meanKwh: Double
        var stdKwh: Double?
        var n: Int
        var scope: String
        var provenance: String
        var paperMeanKwh: Double?
        var size: String?
        var sessions: Int?
    }

    var rows: [Row]

    init(_ text: String) throws { self = try decoded(text) }
}
