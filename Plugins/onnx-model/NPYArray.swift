import Core
import Foundation
import Onnx
import PluginKit

/// An array of NumPy's format (numpy.lib.format), as it lies in an `.npy` file.
struct NPYArray {
    let type: GraphBuilder.ElementType
    let shape: [Int]
    /// The elements, row by row, little-endian.
    let bytes: [UInt8]

    /// Bytes: inputs of one inference, of which none that a model takes is so large.
    private static let longestFile = 2 << 30

    /// Arrays by their names; an `.npy` file has one, without a name.
    static func read(_ path: String) throws -> [String: NPYArray] {
        let contents: [UInt8]
        do throws(BoundedFileError) {
            contents = Array(try BoundedFile.data(path, upTo: Self.longestFile))
        } catch {
            throw PluginProblem(
                "\(path) cannot be read: \(error.reason)",
                remedy: "give an .npy or .npz file that is there and readable")
        }
        func array(_ bytes: [UInt8], _ what: String) throws -> NPYArray {
            do throws(Fault) {
                return try NPYArray(bytes)
            } catch {
                throw PluginProblem("\(what) \(error.description)", remedy: error.remedy)
            }
        }
        guard contents.starts(with: [0x50, 0x4b]) else { return ["": try array(contents, path)] }
        let files: [(name: String, contents: [UInt8])]
        do throws(ZIPArchive.Fault) {
            files = try ZIPArchive(contents).files
        } catch {
            throw PluginProblem("\(path) cannot be read: \(error)", remedy: "write it again by numpy.savez")
        }
        var arrays: [String: NPYArray] = [:]
        for file in files {
            let name = file.name.hasSuffix(".npy") ? String(file.name.dropLast(4)) : file.name
            arrays[name] = try array(file.contents, "the array `\(name)` of \(path)")
        }
        return arrays
    }

    struct Fault: Error {
        let description: String
        var remedy = "write it again by numpy.save"
    }

    init(_ file: [UInt8]) throws(Fault) {
        guard file.count >= 10, file.starts(with: [0x93] + Array("NUMPY".utf8)), (1...3).contains(file[6]) else {
            throw Fault(
                description: "is no array of NumPy's", remedy: "give an .npy or .npz file that numpy.save wrote")
        }
        let lengthBytes = file[6] == 1 ? 2 : 4
        guard file.count >= 8 + lengthBytes else { throw Fault(description: "is cut short") }
        let length = file[8..<8 + lengthBytes].reversed().reduce(0) { $0 << 8 | Int($1) }
        let start = 8 + lengthBytes + length
        guard start <= file.count else { throw Fault(description: "is cut short") }
        let header = String(decoding: file[(8 + lengthBytes)..<start], as: UTF8.self)
        guard let code = Self.value("descr", in: header, until: "'", after: "'"),
            let order = Self.value("fortran_order", in: header, until: ","),
            let sizes = Self.value("shape", in: header, until: ")", after: "(")
        else { throw Fault(description: "has a header that is not understood") }
        guard let (type, stride) = Self.types[code] else {
            throw Fault(
                description: "has elements of NumPy's type \(code), which is not one that a model takes here",
                remedy: "write it with dtype float32, float16, float64, int64, int32, int8, uint8 or bool")
        }
        guard order == "False" else {
            throw Fault(
                description: "lies in memory column by column",
                remedy: "write it by numpy.save of numpy.ascontiguousarray(…)")
        }
        let parts = sizes.split(separator: ",").map { Int($0.trimmingCharacters(in: .whitespaces)) }
        var count = 1
        shape = try parts.map { size throws(Fault) in
            guard let size, size >= 0 else { throw Fault(description: "has a header that is not understood") }
            let product = count.multipliedReportingOverflow(by: size)
            guard !product.overflow, product.partialValue < 1 << 48 else {
                throw Fault(description: "has an impossible shape")
            }
            count = product.partialValue
            return size
        }
        guard file.count - start == count * stride else {
            throw Fault(
                description: "has \(file.count - start) bytes of elements, and its shape needs \(count * stride)")
        }
        self.type = type
        bytes = Array(file[start...])
    }

    private static let types: [String: (GraphBuilder.ElementType, Int)] = [
        "<f4": (.float, 4), "<f2": (.float16, 2), "<f8": (.double, 8), "<i8": (.int64, 8), "<i4": (.int32, 4),
        "|i1": (.int8, 1), "|u1": (.uint8, 1), "|b1": (.bool, 1),
    ]

    /// The value of a key in the header, which is a dictionary as Python prints it.
    private static func value(_ key: String, in header: String, until end: Character, after start: Character? = nil)
        -> String?
    {
        guard let place = header.range(of: "'\(key)':")?.upperBound else { return nil }
        var rest = header[place...].drop { $0 == " " }
        if let start {
            guard rest.first == start else { return nil }
            rest = rest.dropFirst()
        }
        guard let last = rest.firstIndex(of: end) else { return nil }
        return String(rest[..<last])
    }
}
