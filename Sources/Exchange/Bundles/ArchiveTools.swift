import Foundation
import Glibc
import Subprocess
import SystemPackage

/// The programs that pack and unpack.
enum ArchiveTools {
    /// Packs files of a directory in a given order, so that the same files give the same bytes: no times, owners or modes.
    ///
    /// - Throws: `BundleError`; nothing is left of the archive then.
    static func pack(_ paths: [String], of directory: String, into archive: String) async throws {
        let tar = "\(archive).tar"
        let list = "\(archive).list"
        defer {
            unlink(tar)
            unlink(list)
        }
        do {
            try paths.map { $0 + "\n" }.joined().write(toFile: list, atomically: false, encoding: .utf8)
            try await run(
                "tar",
                [
                    "--create", "--file", tar, "--format=ustar", "--numeric-owner", "--owner=:0", "--group=:0",
                    "--mtime=@0", "--mode=0644", "--no-recursion", "--directory", directory, "--verbatim-files-from",
                    "--files-from", list,
                ])
            try await run("zstd", ["-q", "-f", "-T1", "-12", "-o", archive, tar])
        } catch {
            unlink(archive)
            throw error
        }
    }

    /// The window that zstd may keep in memory. Level 19 asks for 8 MiB, ours for 4.
    private static let zstdMemory = "--memory=16MiB"

    /// Unpacks a file by zstd and hands on what comes, a piece at a time; ends zstd where `body` throws.
    static func unpack(_ archive: String, _ body: @Sendable (UnsafeRawBufferPointer) throws -> Void) async throws {
        do {
            let result = try await Subprocess.run(
                .name("zstd"), arguments: ["-q", "-d", "-c", zstdMemory, "--", archive], input: .none,
                output: .sequence,
                error: .string(limit: 1 << 16)
            ) { execution in
                for try await buffer in execution.standardOutput { try buffer.withUnsafeBytes { try body($0) } }
            }
            // One that was ended with us has not failed.
            try Task.checkCancellation()
            guard result.terminationStatus.isSuccess else {
                throw BundleError("it is damaged or cut short: \(oneLine(result.standardError, archive))")
            }
        } catch let error as SubprocessError {
            throw notStarted("zstd", error)
        }
    }

    private static func run(_ program: String, _ arguments: [String]) async throws {
        do {
            let result = try await Subprocess.run(
                .name(program), arguments: Arguments(arguments), input: .none, output: .discarded,
                error: .string(limit: 1 << 16))
            // One that was ended with us has not failed.
            try Task.checkCancellation()
            guard result.terminationStatus.isSuccess else {
                throw BundleError("\(program) fails: \(oneLine(result.standardError, ""))", cause: .machine)
            }
        } catch let error as SubprocessError {
            throw notStarted(program, error)
        }
    }

    private static func notStarted(_ program: String, _ error: SubprocessError) -> any Error {
        if Task.isCancelled { return CancellationError() }
        return BundleError(
            "`\(program)` cannot be started", remedy: "install it (in Debian the package `\(program)`)", cause: .machine
        )
    }

    private static func oneLine(_ text: String, _ archive: String) -> String {
        let last = text.split(whereSeparator: \.isNewline).last.map(String.init) ?? "it does not say why"
        return last.replacing("\(archive) : ", with: "").replacing("\(archive): ", with: "")
    }
}
