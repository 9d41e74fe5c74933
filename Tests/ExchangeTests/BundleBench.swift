import Core
import Exchange
import Foundation
import Recording
import TestSupport
import Testing

/// A record with a `MeasuredSuite`, and what is done with its bundle.
struct BundleBench: Sendable {
    static let host = "quiet-otter.example.org"
    static let counter = MeasuredSuite.counter
    static let gauge = MeasuredSuite.gauge

    let record: TestRecord
    let directory: TemporaryDirectory
    let uuid: String

    init(hasEdges: Bool = true, host: String = BundleBench.host, error: String? = nil) throws {
        record = try TestRecord()
        directory = try TemporaryDirectory()
        uuid = try MeasuredSuite.record(in: record.store, host: host, hasEdges: hasEdges, error: error)
    }

    // MARK: Bundles

    func file(_ name: String = "bundle.tar.zst") -> String { "\(directory.path)/\(name)" }

    @discardableResult
    func bundle(_ name: String = "bundle.tar.zst", redaction: Redaction? = nil) async throws -> String {
        try await BundleWriter(record.store, redaction: redaction, version: "9.9").write([uuid], to: file(name))
        return file(name)
    }

    /// Unpacks a bundle by tar, and returns where.
    func unpack(_ file: String, to name: String = "unpacked") throws -> String {
        let folder = "\(directory.path)/\(name)"
        try shell("rm -rf \"$1\" && mkdir \"$1\" && tar -I zstd -xf \"$2\" -C \"$1\"", folder, file)
        return folder
    }

    /// A bundle like this record's with one of its files changed, by a program that works as one who does it by hand would.
    struct Alteration: Encodable, Hashable {
        var file: String
        /// Changes `text`, the file's contents.
        var python: String
        /// Whether the manifest is made to fit.
        var isSummed = true
    }

    /// Makes all by one start of Python.
    ///
    /// - Returns: the files.
    func altered(_ alterations: [Alteration]) async throws -> [Alteration: String] {
        let name = UUID().uuidString
        let folder = try unpack(try await bundle("original-\(name).tar.zst"), to: name)
        let list = file("\(name).json")
        try JSONEncoder().encode(alterations).write(to: URL(fileURLWithPath: list))
        try shell("cd \"$1\" && python3 - \"$2\" \"$3\" <<'END'\n\(Self.alter)\nEND", folder, list, uuid)
        return Dictionary(
            alterations.enumerated().map { ($1, "\(folder)-\($0).tar.zst") }, uniquingKeysWith: { first, _ in first })
    }

    func altered(_ name: String, isSummed: Bool = true, _ python: String) async throws -> String {
        try #require(
            try await altered([Alteration(file: name, python: python, isSummed: isSummed)]).values.first)
    }

    /// Works in the unpacked bundle, and puts the files back as they were after each change.
    private static let alter = """
        import hashlib, json, os, re, subprocess, sys
        whole = open('manifest.json', 'rb').read()
        for index, change in enumerate(json.load(open(sys.argv[1]))):
            path = f'suites/{sys.argv[2]}/' + change['file']
            original = open(path, 'rb').read()
            before = original.decode()
            scope = {'re': re, 'text': before}
            exec(change['python'], scope)
            text = scope['text']
            assert text != before, f'this changes nothing: {change}'
            data = text if isinstance(text, bytes) else text.encode()
            open(path, 'wb').write(data)
            manifest = json.loads(whole)
            for entry in manifest['files']:
                if entry['path'] == path:
                    entry['bytes'] = len(data)
                    if change['isSummed']: entry['sha256'] = hashlib.sha256(data).hexdigest()
            json.dump(manifest, open('manifest.json', 'w'))
            subprocess.run(
                ['bash', '-o', 'pipefail', '-c', 'tar --format=ustar -cf - manifest.json suites/*/* | zstd -q -o "$0"',
                 f'{os.getcwd()}-{index}.tar.zst'], check=True)
            open(path, 'wb').write(original)
        """

    /// A record of its own for imports.
    func otherStore(_ name: String = "other") throws -> Store { try Store(directory: "\(directory.path)/\(name)") }
}

struct ShellFailure: Error, CustomStringConvertible { var description: String }

/// Runs a script of bash, whose arguments are `$1` and so on.
@discardableResult
func shell(_ script: String, _ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-o", "pipefail", "-euc", script, "bash"] + arguments
    let (output, error) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = error
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let problem = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
        throw ShellFailure(description: "\(process.terminationStatus): \(problem)")
    }
    return text
}
