import Core
import Digests
import Foundation
import Glibc
import SwiftProtobuf

/// A model on disk: `model.onnx`, its weights beside it in `model.onnx.data`, and in `model.sha256` the SHA-256 of the two,
/// one after the other.
///
/// The weights are in a file of their own ("external data"), so that the engine maps them instead of holding them twice.
package struct ModelFile: Sendable, Hashable {
    package let directory: String
    package let sha256: String
    package var path: String { "\(directory)/model.onnx" }

    /// Finds a model in the cache, or writes it there.
    ///
    /// The files are made under another name and moved into place as a whole, so an interrupted writer does no harm. One
    /// process writes at a time; a second waits, and then finds what the first has made.
    ///
    /// - Parameters:
    ///   - key: names the architecture, its size, the seed and the version of the writer.
    ///   - willWrite: told the number of bytes before they are written.
    /// - Throws: `OnnxError.noSpace` or `OnnxError.cannotWrite`.
    package static func cached(
        in cache: String, key: String, seed: Int64, builder: GraphBuilder, willWrite: (Int64) -> Void
    ) throws(OnnxError) -> ModelFile {
        let directory = "\(cache)/\(key)"
        do {
            let plan = try Plan(builder)
            if let file = existing(directory, plan) { return file }
            try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
            let lock = try CacheLock(directory: cache)
            return try withExtendedLifetime(lock) {
                // Whoever held the lock may have made it.
                if let file = existing(directory, plan) { return file }
                return try make(directory, in: cache, seed: seed, builder: builder, plan: plan, willWrite: willWrite)
            }
        } catch let error as OnnxError {
            throw error
        } catch {
            throw .cannotWrite(path: directory, reason: Self.reason(error))
        }
    }

    /// A model of the cache that is whole: its graph is the one that would be written, and its weights are as many bytes.
    /// After a power cut or with another writer's version either may be wrong.
    private static func existing(_ directory: String, _ plan: Plan) -> ModelFile? {
        guard let text = try? BoundedFile.text("\(directory)/model.sha256"),
            let sha256 = checksum(text), size(of: "\(directory)/model.onnx.data") == plan.dataBytes,
            let model = try? BoundedFile.data("\(directory)/model.onnx", upTo: plan.model.count), model == plan.model
        else { return nil }
        return ModelFile(directory: directory, sha256: sha256)
    }

    private static func size(of path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    /// One checksum of several files: itself of one, else the SHA-256 of the sums, a line each, as in their `model.sha256`.
    package static func sha256(of files: [ModelFile]) throws(OnnxError) -> String {
        if files.count == 1 { return files[0].sha256 }
        do {
            return try hash(files.map { "\($0.directory)/model.sha256" })
        } catch let error as OnnxError {
            throw error
        } catch {
            throw .cannotWrite(path: files.first?.directory ?? "", reason: reason(error))
        }
    }

    // MARK: Writing

    /// Called with the lock held.
    private static func make(
        _ directory: String, in cache: String, seed: Int64, builder: GraphBuilder, plan: Plan,
        willWrite: (Int64) -> Void
    ) throws -> ModelFile {
        let files = FileManager.default
        // Nobody else writes now, so these are of writers that were killed.
        for name in try files.contentsOfDirectory(atPath: cache) where name.hasSuffix(".tmp") {
            try? files.removeItem(atPath: "\(cache)/\(name)")
        }
        let temporary = "\(directory).tmp"
        defer { try? files.removeItem(atPath: temporary) }
        try files.createDirectory(atPath: temporary, withIntermediateDirectories: false)
        let free = try freeBytes(temporary)
        guard free > plan.dataBytes + (64 << 20) else {
            throw OnnxError.noSpace(path: cache, needed: plan.dataBytes, free: free)
        }
        willWrite(plan.dataBytes)
        try save("\(temporary)/model.onnx") { try $0.write(contentsOf: plan.model) }
        try save("\(temporary)/model.onnx.data") { try writeWeights(builder, seed: seed, to: $0) }
        let sha256 = try hash(["\(temporary)/model.onnx", "\(temporary)/model.onnx.data"])
        try save("\(temporary)/model.sha256") { try $0.write(contentsOf: Data("\(sha256)\n".utf8)) }
        // What lies here is broken, or `existing` would have taken it.
        if files.fileExists(atPath: directory) { try files.removeItem(atPath: directory) }
        try files.moveItem(atPath: temporary, toPath: directory)
        return ModelFile(directory: directory, sha256: sha256)
    }

    /// Writes a file to the disk, and not only to the page cache: the kernel would write it back later, in the middle of a
    /// measurement, and after a power cut it could be there with its size and without its content.
    private static func save(_ path: String, _ write: (FileHandle) throws -> Void) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw OnnxError.cannotWrite(path: path, reason: errnoText())
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? file.close() }
        try write(file)
        try file.synchronize()
    }

    private static func writeWeights(_ builder: GraphBuilder, seed: Int64, to file: FileHandle) throws {
        let capacity = 1 << 20
        let chunk = UnsafeMutablePointer<Float>.allocate(capacity: capacity)
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: capacity * 4, alignment: 64)
        defer {
            chunk.deallocate()
            bytes.deallocate()
        }
        for weight in builder.weights {
            var random = RandomWeights(seed: seed, name: weight.name)
            var rest = weight.count
            while rest > 0 {
                let part = UnsafeMutableBufferPointer(start: chunk, count: min(rest, capacity))
                switch weight.fill {
                case .random(let deviation, let mean): random.fill(part, deviation: deviation, mean: mean)
                case .constant(let value): part.initialize(repeating: value)
                }
                weight.encode(part, into: bytes)
                try file.write(
                    contentsOf: Data(bytesNoCopy: bytes, count: part.count * weight.stride, deallocator: .none))
                rest -= part.count
            }
            try file.write(contentsOf: Data(count: Plan.padding(after: weight)))
        }
    }

    private static func freeBytes(_ path: String) throws -> Int64 {
        guard let bytes = DiskSpace.free(path) else { throw OnnxError.cannotWrite(path: path, reason: errnoText()) }
        return bytes
    }

    /// The SHA-256 of files, one after the other.
    package static func sha256(ofFiles paths: [String]) throws(OnnxError) -> String {
        do {
            return try hash(paths)
        } catch let error as OnnxError {
            throw error
        } catch {
            throw .model(path: paths.first ?? "", cause: reason(error))
        }
    }

    private static func hash(_ paths: [String]) throws -> String {
        let hash = SHA256()
        for path in paths { try hash.update(fileAt: path) }
        return try hash.finalize().hexadecimal
    }

    /// - Returns: the 64 hexadecimal digits that a line begins with; `nil` if it does not.
    private static func checksum(_ text: String) -> String? {
        let digits = text.prefix { $0.isASCII && $0.isHexDigit }
        return digits.count == 64 ? String(digits) : nil
    }

    fileprivate static func errnoText() -> String { String(cString: strerror(errno)) }

    private static func reason(_ error: any Error) -> String {
        let error = error as NSError
        if let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError { return reason(underlying) }
        return error.domain == NSPOSIXErrorDomain
            ? String(cString: strerror(Int32(clamping: error.code))) : error.localizedDescription
    }
}

/// What will be in the files, as far as it is known without writing the weights.
private struct Plan {
    /// `model.onnx`, byte for byte.
    let model: Data
    let dataBytes: Int64

    init(_ builder: GraphBuilder) throws {
        var graph = builder.graph
        var offset: Int64 = 0
        for weight in builder.weights {
            graph.initializer.append(Self.tensor(weight, offset: offset))
            offset += Int64(weight.count) * Int64(weight.stride) + Int64(Self.padding(after: weight))
        }
        dataBytes = offset
        var opset = Onnx_OperatorSetIdProto()
        opset.version = 17
        var model = Onnx_ModelProto()
        model.irVersion = 8
        model.producerName = "taskwatt"
        model.opsetImport = [opset]
        model.graph = graph
        self.model = try model.serializedData()
    }

    /// Each weight begins at a multiple of 64 bytes, so that a mapped one begins on a cache line.
    static func padding(after weight: GraphBuilder.Weight) -> Int { (64 - weight.count * weight.stride % 64) % 64 }

    private static func tensor(_ weight: GraphBuilder.Weight, offset: Int64) -> Onnx_TensorProto {
        var tensor = Onnx_TensorProto()
        tensor.name = weight.name
        tensor.dims = weight.shape.map(Int64.init)
        tensor.dataType = weight.elementType.rawValue
        tensor.dataLocation = .external
        tensor.externalData = [
            ("location", "model.onnx.data"), ("offset", String(offset)),
            ("length", String(weight.count * weight.stride)),
        ].map { key, value in
            var entry = Onnx_StringStringEntryProto()
            entry.key = key
            entry.value = value
            return entry
        }
        return tensor
    }
}

/// The right to write in a cache, held by one process at a time; the kernel takes it back from one that dies (flock(2)).
private final class CacheLock {
    private let descriptor: Int32

    /// Waits until whoever has it is done.
    init(directory: String) throws {
        let path = "\(directory)/.lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw OnnxError.cannotWrite(path: path, reason: ModelFile.errnoText()) }
        while flock(descriptor, LOCK_EX) != 0 {
            if errno == EINTR { continue }
            let reason = ModelFile.errnoText()
            close(descriptor)
            throw OnnxError.cannotWrite(path: path, reason: reason)
        }
    }

    deinit { close(descriptor) }
}

extension GraphBuilder {
    /// The graph as it is written, with its weights named but without their numbers: for counting.
    package var countable: Onnx_GraphProto {
        var graph = graph
        graph.initializer += weights.map { weight in
            var tensor = Onnx_TensorProto()
            tensor.name = weight.name
            tensor.dims = weight.shape.map(Int64.init)
            tensor.dataType = ElementType.float.rawValue
            return tensor
        }
        return graph
    }
}
