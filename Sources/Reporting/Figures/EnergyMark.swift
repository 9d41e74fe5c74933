import Core
import Foundation

/// An energy that somebody has published or that follows from a definition, to set our own beside.
///
/// They are in `energies.csv`, a source a line. Where the work that a figure comes from was not opened, the line says so, and where it was
/// read instead.
package struct EnergyMark: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case bound, operation, inference, everyday, training
    }

    package var name: String
    package var kind: Kind
    package var joules: Double
    /// Of the source.
    package var year: Int
    /// How the joules come about.
    package var sum: String
    package var source: String

    /// The lines of the file, without those that cannot be read: a test sees to it that there are none.
    package static let published: [EnergyMark] = lines.compactMap(EnergyMark.init(fields:))

    /// The fields of each line after the first; none of them has a comma or a quote in it.
    package static var lines: [[String]] {
        String(decoding: PackageResources.energies_csv, as: UTF8.self).split(separator: "\n").dropFirst()
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    }

    package init?(fields: [String]) {
        guard fields.count == 6, fields.allSatisfy({ !$0.isEmpty }), let kind = Kind(rawValue: fields[1]),
            let joules = Double(fields[2]), joules > 0, joules.isFinite, let year = Int(fields[3])
        else { return nil }
        (name, self.kind, self.joules, self.year) = (fields[0], kind, joules, year)
        (sum, source) = (fields[4], fields[5])
    }
}
