package import Core
import Exchange
import Foundation
import Terminal

/// What `taskwatt figure` writes a figure as.
package enum FigureFormat: String, Sendable, CaseIterable {
    case svg, pdf, png, csv

    private var isText: Bool { self == .svg || self == .csv }

    /// The format that the name of an output ends with; of the standard output SVG.
    package static func of(_ output: String?) throws(UserError) -> FigureFormat {
        guard let output, output != "-" else { return .svg }
        if let format = FigureFormat(rawValue: URL(fileURLWithPath: output).pathExtension.lowercased()) {
            return format
        }
        let known = allCases.map(\.rawValue).joined(separator: ", ")
        throw UserError(.usage, "The name \(output) does not end in a known format; give --format: \(known)")
    }

    /// - Throws: `UserError` for bytes that would go to a terminal.
    package func refuseTerminal(_ output: String?) throws(UserError) {
        guard !isText, output ?? "-" == "-", isatty(STDOUT_FILENO) != 0 else { return }
        throw UserError(.failed, "a \(rawValue) cannot be shown on a terminal", remedy: "name a file by --output")
    }

    /// - Parameters:
    ///   - figure: in SVG, or its data in CSV.
    ///   - width: of a PNG in pixels; `nil` is the usual one.
    package func encoded(_ figure: String, width: Int?) async throws -> [UInt8] {
        switch self {
        case .svg, .csv: Array(figure.utf8)
        case .pdf: try await FigureConverter.pdf(figure)
        case .png: try await FigureConverter.png(figure, width: width ?? FigureConverter.usualWidth)
        }
    }
}
