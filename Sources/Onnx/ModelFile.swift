import Foundation
import SwiftProtobuf

/// A model on disk: `model.onnx`, its weights beside it in `model.onnx.data`, and the SHA-256 of both in `model.sha256`.
///
/// The weights are in a file of their own ("external data"), so that the engine maps them instead of holding them twice.
package struct ModelFile: Sendable, Hashable {
    package let directory: String
    package var path: String { "\(directory)/model.onnx" }
    package let sha256: String?

    /// Finds a model in the cache, or writes it there. An interrupted or a second writer does no harm: the files are made
    /// under another name and moved into place as a whole.
    ///
    /// - Parameters:
    ///   - key: names the architecture, its size, the seed and the version of the writer.
    ///   - willWrite: told the number of bytes before they are written.
    package static func cached(
        in cache: String, key: String, seed: Int64, builder: GraphBuilder, willWrite: (Int64) -> Void
    ) throws(OnnxError) -> ModelFile {
        let directory = "\(cache)/\(key)"
        if let file = existing(directory) { return file }
        let bytes = Int64(builder.weights.reduce(0) { $0 + $1.count }) * 4
        let temporary = "\(directory).\(ProcessInfo.processInfo.processIdentifier).tmp"
        let files = FileManager.default
        do {
            try files.createDirectory(atPath: temporary, withIntermediateDirectories: true)
            let free = try files.attributesOfFileSystem(forPath: temporary)[.systemFreeSize] as? Int64 ?? .max
            guard free > bytes + (64 << 20) else {
                try? files.removeItem(atPath: temporary)
                throw OnnxError.noSpace(path: cache, needed: bytes, free: free)
            }
            willWrite(bytes)
            try write(builder, seed: seed, directory: temporary)
            try hash(directory: temporary)
            do {
                try files.moveItem(atPath: temporary, toPath: directory)
            } catch {
                // Another process was quicker; its files are the same.
                guard existing(directory) != nil else { throw error }
                try? files.removeItem(atPath: temporary)
            }
        } catch {
            try? files.removeItem(atPath: temporary)
            if let error = error as? OnnxError { throw error }
            throw .cannotWrite(path: directory, reason: Self.reason(error))
        }
        guard let file = existing(directory) else { throw .cannotWrite(path: directory, reason: "it is not there after writing") }
        return file
    }

    private static func existing(_ directory: String) -> ModelFile? {
        guard let text = try? String(contentsOfFile: "\(directory)/model.sha256", encoding: .utf8),
            FileManager.default.fileExists(atPath: "\(directory)/model.onnx")
        else { return nil }
        return ModelFile(directory: directory, sha256: text.split(separator: "\n").first.map(String.init))
    }

    // MARK: Writing

    private static func write(_ builder: GraphBuilder, seed: Int64, directory: String) throws {
        let dataPath = "\(directory)/model.onnx.data"
        guard FileManager.default.createFile(atPath: dataPath, contents: nil) else {
            throw OnnxError.cannotWrite(path: dataPath, reason: "no permission, or the disk is full")
        }
        let data = try FileHandle(forWritingTo: URL(fileURLWithPath: dataPath))
        defer { try? data.close() }
        var graph = builder.graph
        var offset: Int64 = 0
        let chunk = UnsafeMutableBufferPointer<Float>.allocate(capacity: 1 << 20)
        defer { chunk.deallocate() }
        for weight in builder.weights {
            graph.initializer.append(tensor(weight, offset: offset))
            var random = RandomWeights(seed: seed, name: weight.name)
            var rest = weight.count
            while rest > 0 {
                let part = UnsafeMutableBufferPointer(rebasing: chunk[..<min(rest, chunk.count)])
                switch weight.fill {
                case .random(let deviation, let mean): random.fill(part, deviation: deviation, mean: mean)
                case .constant(let value): part.update(repeating: value)
                }
                try data.write(contentsOf: Data(bytesNoCopy: UnsafeMutableRawPointer(part.baseAddress!), count: part.count * 4, deallocator: .none))
                rest -= part.count
            }
            offset += Int64(weight.count) * 4
            // Aligned to 64 bytes, so that a mapped weight begins on a cache line.
            let padding = Int((64 - offset % 64) % 64)
            if padding > 0 {
                try data.write(contentsOf: Data(count: padding))
                offset += Int64(padding)
            }
        }
        var opset = Onnx_OperatorSetIdProto()
        opset.version = 17
        var model = Onnx_ModelProto()
        model.irVersion = 8
        model.producerName = "taskwatt"
        model.opsetImport = [opset]
        model.graph = graph
        try model.serializedData().write(to: URL(fileURLWithPath: "\(directory)/model.onnx"))
    }

    private static func tensor(_ weight: GraphBuilder.Weight, offset: Int64) -> Onnx_TensorProto {
        var tensor = Onnx_TensorProto()
        tensor.name = weight.name
        tensor.dims = weight.shape.map(Int64.init)
        tensor.dataType = GraphBuilder.ElementType.float.rawValue
        tensor.dataLocation = .external
        tensor.externalData = [
            ("location", "model.onnx.data"), ("offset", String(offset)), ("length", String(weight.count * 4)),
        ].map { key, value in
            var entry = Onnx_StringStringEntryProto()
            entry.key = key
            entry.value = value
            return entry
        }
        return tensor
    }

    /// Writes the SHA-256 of the two files, one after the other, by coreutils' `sha256sum`.
    private static func hash(directory: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "cat model.onnx model.onnx.data | sha256sum | cut -d' ' -f1 > model.sha256"]
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        try process.run()
        process.waitUntilExit()
    }

    private static func reason(_ error: any Error) -> String {
        let error = error as NSError
        if let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError { return reason(underlying) }
        return error.domain == NSPOSIXErrorDomain ? String(cString: strerror(Int32(error.code))) : error.localizedDescription
    }
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
