import Core
import Foundation
import Glibc
import Subprocess
import SystemPackage

/// Makes PDF and PNG of SVG by librsvg, which draws what GNOME and Wikipedia draw.
package enum FigureConverter {
    private static let program = "rsvg-convert"
    /// Narrower nothing can be read, and wider no printer needs: A0 at 300 dpi.
    package static let widths = 100...10_000
    /// Of most figures twice their own, for screens of twice the density.
    package static let usualWidth = 1920
    /// The converter keeps 4 bytes for each: 400 MB.
    package static let mostPixels = 100_000_000.0
    /// Of the file that comes out. What is drawn here compresses to a hundredth of its pixels.
    private static let longestAnswer = 256 << 20

    package static func pdf(_ svg: String) async throws -> [UInt8] { try await run(svg, ["--format", "pdf"]) }

    package static func png(_ svg: String, width: Int) async throws -> [UInt8] {
        if let ratio = ratio(svg), Double(width) * Double(width) * ratio > mostPixels {
            let most = (mostPixels / ratio).squareRoot().rounded(.down)
            throw UserError(
                .failed,
                "this figure is so high that \(width) pixels of width are over \(Int(mostPixels / 1e6)) million in all",
                remedy: "take --width "
                    + "\(Int(most)) or less, fewer runs, or --format pdf")
        }
        return try await run(svg, ["--format", "png", "--width", String(width), "--keep-aspect-ratio"])
    }

    /// The height of one of ours by its width, as its first line says.
    package static func ratio(_ svg: String) -> Double? {
        guard let range = svg.range(of: "viewBox=\"0 0 ") else { return nil }
        let sizes = svg[range.upperBound...].prefix { $0 != "\"" }.split(separator: " ").compactMap { Double($0) }
        guard sizes.count == 2, sizes[0] > 0, sizes[1] > 0 else { return nil }
        return sizes[1] / sizes[0]
    }

    private static func run(_ svg: String, _ arguments: [String]) async throws -> [UInt8] {
        // Not by a pipe: one that ends before it has read all would end the writing too, and its reason would not be told.
        guard let file = tmpfile() else {
            throw UserError(
                .failed, "no temporary file can be made: \(String(cString: strerror(errno)))",
                remedy: "--format svg needs none")
        }
        defer { fclose(file) }
        guard fputs(svg, file) >= 0, fflush(file) == 0, fseek(file, 0, SEEK_SET) == 0 else {
            throw UserError(
                .failed, "no temporary file can be written: \(String(cString: strerror(errno)))",
                remedy: "--format svg needs none")
        }
        do {
            let result = try await Subprocess.run(
                .name(program), arguments: Arguments(arguments),
                input: .fileDescriptor(FileDescriptor(rawValue: fileno(file)), closeAfterSpawningProcess: false),
                output: .bytes(limit: longestAnswer), error: .string(limit: 1 << 16))
            // One that was ended with us has not failed.
            try Task.checkCancellation()
            guard result.terminationStatus.isSuccess, !result.standardOutput.isEmpty else {
                let last = result.standardError.split(whereSeparator: \.isNewline).last ?? "it does not say why"
                throw UserError(.failed, "`\(program)` fails: \(last)", remedy: "--format svg needs no converter")
            }
            return result.standardOutput
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            if error.code == .executableNotFound {
                throw UserError(
                    .unavailable, "pdf and png are made by `\(program)`, which is not installed",
                    remedy: "`apt install librsvg2-bin`, or use "
                        + "--format svg")
            }
            throw UserError(.failed, "`\(program)` cannot be run: \(error)")
        }
    }
}
