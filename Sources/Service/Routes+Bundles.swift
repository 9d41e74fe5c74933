import API
import Core
import Exchange
import Foundation
import Glibc
import Host
import Hummingbird
import Listening
import NIOCore
import Recording
import Running

/// Bundles go out of the daemon's record and come into it.
extension Routes {
    /// A bundle may hold the samples of months.
    private static let longestBundle: Int64 = 16 << 30

    func addBundles(to v1: RouterGroup<Context>, _ asker: HeavyAnswers.Asker) {
        // GET /v1/bundle?run=…&run=…&redact=true
        v1.get("bundle") { request, _ in
            let parameters = request.uri.queryParameters
            let names = parameters.getAll("run")
            guard !names.isEmpty else { throw UserError(.usage, "no run is named") }
            let isRedacted = try UserError.flag("redact", parameters.get("redact"))
            return try await answer(asker, TransferFile(), type: "application/zstd") { output in
                try await record.bundle(names, isRedacted: isRedacted, to: output)
            }
        }
        // GET /v1/backup: the record as of this moment, an SQLite database
        v1.get("backup") { _, _ in
            // Beside the record, for it may be larger than what is for temporary files.
            let file = TransferFile(path: "\(store.path).backup-\(UUID().uuidString)")
            return try await answer(asker, file, type: "application/vnd.sqlite3") { output in
                try await record.backup(to: output)
            }
        }
        // POST /v1/imports/bundle?name=…&own=true, the file as the body
        v1.post("imports/bundle") { request, _ in
            let place = try uploads.place()
            let file = TransferFile()
            let handle = try file.create()
            var bytes: Int64 = 0
            for try await buffer in request.body {
                bytes += Int64(buffer.readableBytes)
                guard bytes <= Self.longestBundle else { throw HTTPError(.contentTooLarge) }
                do { try handle.write(contentsOf: Data(buffer.readableBytesView)) } catch {
                    throw UserError(.failed, "the daemon cannot store the bundle", remedy: "its disk may be full")
                }
            }
            try handle.close()
            let name = request.uri.queryParameters.get("name")
            let isOwn = try UserError.flag("own", request.uri.queryParameters.get("own"))
            let outcome = try await heavy.answer(asker) {
                do {
                    return try await record.bring(bundle: file.path, named: name)
                } catch let error as BundleError {
                    // What it is called here is nobody's business.
                    var shown = error.userError
                    shown.message = shown.message.replacing(file.path, with: name ?? "the bundle")
                    throw Refusal(shown, status: .badRequest)
                }
            }
            if isOwn {
                try store.adopt(outcome.imported, machine: machine.name)
            }
            _ = place
            return try Self.json(outcome)
        }
    }
}

extension Routes {
    /// What is written to a file, which is there until the client has it.
    private func answer(
        _ asker: HeavyAnswers.Asker, _ file: TransferFile, type: String,
        _ write: @escaping @Sendable (OutputFile) async throws -> Void
    ) async throws -> Response {
        let place = try heavy.open(asker)
        try await heavy.answer(asker) {
            let output = try OutputFile(file.path, .refused, isPrivate: true)
            try await write(output)
            try output.finish()
        }
        return Response(
            status: .ok, headers: [.contentType: type],
            body: ResponseBody { writer in
                let handle = try file.open()
                while let data = try handle.read(upToCount: 1 << 18), !data.isEmpty {
                    try await writer.write(ByteBuffer(bytes: data))
                }
                try await writer.finish(nil)
                _ = place
            })
    }
}

/// A file on its way, which goes with the value.
private final class TransferFile: Sendable {
    let path: String

    init(
        path: String = FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-\(UUID().uuidString)")
            .path
    ) {
        self.path = path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func create() throws -> FileHandle {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw UserError(.failed, "the daemon cannot write \(path): \(String(cString: strerror(errno)))")
        }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    func open() throws -> FileHandle {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw UserError(.failed, "the daemon cannot read the file that it wrote")
        }
        return handle
    }
}
