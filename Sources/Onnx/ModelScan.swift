import Core
import Foundation
import SwiftProtobuf

/// An `.onnx` file looked through without its weights: its graph, and the files that it needs beside it.
///
/// The file is mapped, and the numbers of its tensors are stepped over, so a large one costs little time and no memory.
package struct ModelScan: Sendable {
    package let path: String
    /// Files of external data, as paths, each once.
    package let externalFiles: [String]
    /// Bytes of the file and of its external data.
    package let bytes: Int64
    /// The file without the numbers of large tensors.
    private let skeleton: Data

    /// The model and its external data, the model first.
    package var files: [String] { [path] + externalFiles }

    /// - Throws: `OnnxError.model` for a file that is missing, empty, cut short or no ONNX, or whose external data is
    ///   missing or too short.
    package init(_ path: String) throws(OnnxError) {
        self.path = path
        let file = try Self.map(path)
        var reader = SkeletonWriter()
        do throws(SkeletonWriter.Fault) {
            skeleton = try file.withUnsafeBytes { bytes in
                Result { () throws(SkeletonWriter.Fault) in try reader.model(bytes) }
            }.get()
        } catch {
            throw .model(path: path, cause: Self.cause(error, file))
        }
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var sizes: [String: Int64] = [:]
        for part in reader.parts {
            let place = directory.isEmpty ? part.location : "\(directory)/\(part.location)"
            guard let size = sizes[place] ?? Self.size(of: place) else {
                throw .model(path: path, cause: "its external data \(place) is missing")
            }
            sizes[place] = size
            let end = part.offset.addingReportingOverflow(part.length ?? 0)
            guard !end.overflow, part.offset >= 0, end.partialValue <= size else {
                throw .model(
                    path: path,
                    cause:
                        "its external data \(place) is too short: it has \(size) bytes, and the tensor `\(part.tensor)` "
                        + "ends at \(end.partialValue)")
            }
        }
        externalFiles = sizes.keys.sorted()
        bytes = sizes.values.reduce(Int64(file.count)) { $0.addingSaturated($1) }
    }

    /// The model with its nodes and the shapes and types of its weights; numbers are there for small tensors only.
    package func model() throws(OnnxError) -> Onnx_ModelProto {
        do {
            return try Onnx_ModelProto(serializedBytes: skeleton)
        } catch {
            throw .model(path: path, cause: "it is not an ONNX model")
        }
    }

    private static func map(_ path: String) throws(OnnxError) -> Data {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw .model(path: path, cause: "there is no such file")
        }
        if isDirectory.boolValue { throw .model(path: path, cause: "it is a directory") }
        // What is no file, such as a device or a pipe, has no size by which it could be mapped, and may have no end.
        guard size(of: path) != nil else { throw .model(path: path, cause: "it is not a file") }
        guard let file = try? Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped) else {
            throw .model(path: path, cause: "it cannot be read: permission denied")
        }
        return file
    }

    private static func size(of path: String) -> Int64? {
        let file = (path as NSString).resolvingSymlinksInPath
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: file),
            attributes[.type] as? FileAttributeType == .typeRegular
        else { return nil }
        return (attributes[.size] as? NSNumber)?.int64Value
    }

    /// What a file is that was expected to be a model.
    private static func cause(_ fault: SkeletonWriter.Fault, _ file: Data) -> String {
        if file.isEmpty { return "it is empty" }
        if file.starts(with: Data("version https://git-lfs".utf8)) {
            return "it is a pointer of Git LFS and not the model itself (`git lfs pull` fetches it)"
        }
        if file.starts(with: [0x50, 0x4b]) { return "it is a zip archive (PyTorch's format?) and no ONNX model" }
        return switch fault {
        case .truncated: "it is cut short, or no ONNX model"
        case .malformed, .noGraph: "it is not an ONNX model"
        }
    }
}

/// Copies a serialized ModelProto without the numbers of its large tensors, and notes where external data is.
///
/// The format is that of protocol buffers (https://protobuf.dev/programming-guides/encoding), the field numbers are those
/// of onnx.proto3.
private struct SkeletonWriter {
    enum Fault: Error {
        case truncated
        case malformed
        case noGraph
    }

    /// A tensor's place in a file of external data.
    struct Part {
        var tensor = ""
        var location = ""
        var offset: Int64 = 0
        var length: Int64?
    }

    private(set) var parts: [Part] = []

    /// A tensor of more bytes is written without its numbers.
    private static let limit = 4096

    mutating func model(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> Data {
        var result = Data()
        var hasGraph = false
        var fields = FieldReader(bytes)
        while let field = try fields.next() {
            // ModelProto has fields up to 26 and its graph is a message: anything else is some other file.
            guard (1...26).contains(field.number) else { throw .malformed }
            guard field.number == 7 else {
                result.append(contentsOf: field.whole)
                continue
            }
            guard let body = field.body else { throw .malformed }
            hasGraph = true
            Self.append(7, try graph(body), to: &result)
        }
        guard hasGraph else { throw .noGraph }
        return result
    }

    private mutating func graph(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> Data {
        var result = Data()
        var fields = FieldReader(bytes)
        while let field = try fields.next() {
            guard field.number == 5, let body = field.body else {
                result.append(contentsOf: field.whole)
                continue
            }
            Self.append(5, try tensor(body), to: &result)
        }
        return result
    }

    private mutating func tensor(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> Data {
        var result = Data()
        var part = Part()
        var fields = FieldReader(bytes)
        while let field = try fields.next() {
            switch field.number {
            // float_data, int32_data, string_data, int64_data, raw_data, double_data, uint64_data
            case 4, 5, 6, 7, 9, 10, 11:
                if bytes.count <= Self.limit { result.append(contentsOf: field.whole) }
            default:
                result.append(contentsOf: field.whole)
                guard let body = field.body else { continue }
                if field.number == 8 { part.tensor = String(decoding: body, as: UTF8.self) }
                if field.number == 13 { try Self.external(body, &part) }
            }
        }
        if !part.location.isEmpty { parts.append(part) }
        return result
    }

    /// A StringStringEntryProto of `external_data`.
    private static func external(_ bytes: UnsafeRawBufferPointer, _ part: inout Part) throws(Fault) {
        var (key, value) = ("", "")
        var fields = FieldReader(bytes)
        while let field = try fields.next() {
            let text = field.body.map { String(decoding: $0, as: UTF8.self) } ?? ""
            if field.number == 1 { key = text }
            if field.number == 2 { value = text }
        }
        switch key {
        case "location": part.location = value
        case "offset": part.offset = Int64(value) ?? 0
        case "length": part.length = Int64(value)
        default: break
        }
    }

    private static func append(_ number: UInt8, _ body: Data, to result: inout Data) {
        result.append(number << 3 | 2)
        var length = body.count
        while length > 127 {
            result.append(UInt8(truncatingIfNeeded: length & 127) | 128)
            length >>= 7
        }
        result.append(UInt8(truncatingIfNeeded: length))
        result.append(body)
    }
}

/// The fields of a serialized message, one after the other.
private struct FieldReader {
    struct Field {
        let number: UInt64
        /// Tag and value, as they are in the file.
        let whole: UnsafeRawBufferPointer
        /// What is in a field that has a length.
        let body: UnsafeRawBufferPointer?
    }

    private let bytes: UnsafeRawBufferPointer
    private var place = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// - Returns: `nil` at the end.
    mutating func next() throws(SkeletonWriter.Fault) -> Field? {
        guard place < bytes.count else { return nil }
        let start = place
        let tag = try varint()
        guard tag >> 3 > 0 else { throw .malformed }
        var body: UnsafeRawBufferPointer?
        switch tag & 7 {
        case 0: _ = try varint()
        case 1: try skip(8)
        case 2:
            let length = try varint()
            guard let length = Int(exactly: length) else { throw .truncated }
            let first = place
            try skip(length)
            body = UnsafeRawBufferPointer(rebasing: bytes[first..<place])
        case 5: try skip(4)
        default: throw .malformed
        }
        return Field(number: tag >> 3, whole: UnsafeRawBufferPointer(rebasing: bytes[start..<place]), body: body)
    }

    private mutating func skip(_ count: Int) throws(SkeletonWriter.Fault) {
        guard count <= bytes.count - place else { throw .truncated }
        place += count
    }

    private mutating func varint() throws(SkeletonWriter.Fault) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            value |= UInt64(byte & 127) << shift
            if byte < 128 { return value }
            shift += 7
            guard shift < 64 else { throw .malformed }
        }
        throw .truncated
    }
}
