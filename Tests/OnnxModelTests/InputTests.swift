import Foundation
import Onnx
import TestSupport
import Testing

@testable import PluginKit
@testable import onnx_model

@Suite("Inputs of users' models") struct InputTests {
    private let bench: ModelBench

    init() throws { bench = try ModelBench() }

    private func info(_ name: String, _ type: GraphBuilder.ElementType) -> OnnxValueInfo {
        OnnxValueInfo(name: name, type: type, shape: [2, 3])
    }

    // MARK: Made by name and type

    @Test(
        "A table with more rows than the type has numbers is looked up in within the type",
        arguments: [Int64.max, 1 << 31])
    func rowsBeyondTheType(rows: Int64) throws {
        var graph = Onnx_GraphProto()
        var node = Onnx_NodeProto()
        (node.opType, node.input, node.output) = ("Gather", ["table", "ids"], ["rows"])
        var table = Onnx_TensorProto()
        (table.name, table.dims) = ("table", [rows, 1])
        (graph.node, graph.initializer) = ([node], [table])
        var maker = InputMaker(graph, seed: 1)
        #expect(maker.fill(info("ids", .int32), .int32) == .below(Int(Int32.max)))
        for type in [GraphBuilder.ElementType.int32, .int64] {
            let bytes = try maker.bytes(info("ids", type), shape: [50, 40])
            #expect(bytes.count == 2000 * InputMaker.stride(type))
        }
    }

    @Test func namesSayWhatAnInputIs() {
        let maker = InputMaker(ModelBench.textModel().countable, seed: 1)
        #expect(maker.fill(info("input_ids", .int64), .int64) == .below(50))
        #expect(maker.fill(info("labels", .int32), .int32) == .below(1000))
        #expect(maker.fill(info("attention_mask", .int64), .int64) == .constant(1))
        #expect(maker.fill(info("token_type_ids", .int64), .int64) == .constant(0))
        #expect(maker.fill(info("position_ids", .int64), .int64) == .positions)
        #expect(maker.fill(info("use_cache", .bool), .bool) == .constant(1))
        #expect(maker.fill(info("pixel_values", .float16), .float16) == .normal)
        #expect(maker.fill(info("image", .uint8), .uint8) == .below(256))
    }

    @Test func idsStayBelowTheTableThatTheyLookUpIn() throws {
        var maker = InputMaker(ModelBench.textModel().countable, seed: 1)
        let bytes = try maker.bytes(info("input_ids", .int64), shape: [4, 500])
        let ids = bytes.withUnsafeBytes { Array($0.bindMemory(to: Int64.self)) }
        #expect(ids.count == 2000)
        #expect(ids.allSatisfy { (0..<50).contains($0) })
        #expect(Set(ids).count > 40)
    }

    @Test(arguments: [GraphBuilder.ElementType.float, .float16, .double])
    func floatsHaveMeanZeroAndDeviationOne(type: GraphBuilder.ElementType) throws {
        var maker = InputMaker(Onnx_GraphProto(), seed: 1)
        let bytes = try maker.bytes(info("x", type), shape: [100, 100])
        let values: [Double] = bytes.withUnsafeBytes { raw in
            switch type {
            case .float16: raw.bindMemory(to: Float16.self).map(Double.init)
            case .double: Array(raw.bindMemory(to: Double.self))
            default: raw.bindMemory(to: Float.self).map(Double.init)
            }
        }
        #expect(values.count == 10_000)
        let mean = values.reduce(0, +) / 10_000
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 10_000
        #expect(abs(mean) < 0.05 && abs(variance - 1) < 0.05)
    }

    @Test func positionsCountAlongTheLastDimension() throws {
        var maker = InputMaker(Onnx_GraphProto(), seed: 1)
        let bytes = try maker.bytes(info("position_ids", .int32), shape: [2, 3])
        #expect(bytes == ModelBench.bytes([0, 1, 2, 0, 1, 2] as [Int32]))
    }

    // MARK: Read from files

    @Test(arguments: [UInt8(1), 2])
    func anArrayIsReadAsNumPyWritesIt(version: UInt8) throws {
        let array = try NPYArray(
            ModelBench.npy("<f4", [2, 3], ModelBench.bytes([1, 2, 3, 4, 5, 6] as [Float]), version: version))
        #expect(array.type == .float)
        #expect(array.shape == [2, 3])
        #expect(array.bytes == ModelBench.bytes([1, 2, 3, 4, 5, 6] as [Float]))
        #expect(try NPYArray(ModelBench.npy("<i8", [], ModelBench.bytes([7] as [Int64]))).shape == [])
    }

    @Test func whatIsNoArrayIsRefused() {
        let four = ModelBench.bytes([1] as [Float])
        let whole = ModelBench.npy("<f4", [1], four)
        let broken = [
            [], Array(whole.dropLast()), whole + [0], Array(whole.prefix(12)), ModelBench.npy(">f4", [1], four),
            ModelBench.npy("<U1", [1], four), ModelBench.npy("<f4", [1], four, order: "True"),
            ModelBench.npy("<f4", [-1], four), ModelBench.npy("<f4", [1 << 40, 1 << 40], four),
            ModelBench.npy("<f4", [2], four),
        ]
        for file in broken { #expect(throws: NPYArray.Fault.self) { try NPYArray(file) } }
    }

    @Test func aModelRunsOnTheArraysOfAFile() throws {
        let file = try bench.write(ModelBench.textModel())
        let ids = ModelBench.npy("<i8", [1, 4], ModelBench.bytes([1, 2, 3, 4] as [Int64]))
        let mask = ModelBench.npy("<f4", [1, 4], ModelBench.bytes([1, 1, 1, 0] as [Float]))
        let path = try bench.save(
            ModelBench.zip([("input_ids.npy", ids), ("attention_mask.npy", mask)]), as: "inputs.npz")
        let info = try bench.initialize(["file": .string(file.path), "inputs": .string(path)])
        #expect(info.operationsPerInference == Double(2 * 4 * 8 * 3 + 4 * 3 + 4))
        #expect(info.dataset == "inputs (inputs)")
    }

    @Test func arraysThatDoNotFitAreNamed() throws {
        let file = try bench.write(ModelBench.textModel())
        func problem(_ files: [(String, [UInt8])], dims: String = "") throws -> String {
            let path = try bench.save(ModelBench.zip(files.map { ($0.0, $0.1) }), as: "inputs.npz")
            let parameters: [String: ParameterValue] = [
                "file": .string(file.path), "inputs": .string(path), "dims": .string(dims),
            ]
            return try #require(bench.problem(parameters)).message
        }
        let ids = ModelBench.npy("<i8", [1, 4], ModelBench.bytes([1, 2, 3, 4] as [Int64]))
        let mask = ModelBench.npy("<f4", [1, 4], ModelBench.bytes([1, 1, 1, 0] as [Float]))
        let long = ModelBench.npy("<f4", [1, 5], ModelBench.bytes([1, 1, 1, 0, 0] as [Float]))
        let flat = ModelBench.npy("<f4", [4], ModelBench.bytes([1, 1, 1, 0] as [Float]))
        let outside = ModelBench.npy("<i8", [1, 4], ModelBench.bytes([1, 2, 3, 50] as [Int64]))
        #expect(try problem([("input_ids.npy", ids)]).contains("`attention_mask` is not in the file"))
        let three = [("input_ids.npy", ids), ("attention_mask.npy", mask), ("labels.npy", ids)]
        #expect(try problem(three).contains("no input `labels`"))
        #expect(try problem([("input_ids.npy", mask), ("attention_mask.npy", mask)]).contains("is of int64"))
        #expect(try problem([("input_ids.npy", ids), ("attention_mask.npy", long)]).contains("`sequence`"))
        #expect(try problem([("input_ids.npy", ids), ("attention_mask.npy", flat)]).contains("of shape"))
        let right = [("input_ids.npy", ids), ("attention_mask.npy", mask)]
        #expect(try problem(right, dims: "sequence=5").contains("`sequence` is 5"))
        // An id that the table does not have: only the engine can say so.
        let wrong = [("input_ids.npy", outside), ("attention_mask.npy", mask)]
        #expect(try problem(wrong).contains("cannot be run with these inputs"))
    }

    /// Every way of cutting or changing an archive is an error and no crash.
    @Test func aDamagedArchiveIsAnError() throws {
        let whole = ModelBench.zip([("x.npy", ModelBench.npy("<f4", [1], ModelBench.bytes([1] as [Float])))])
        #expect(try ZIPArchive(whole).files.map(\.name) == ["x.npy"])
        for length in 0..<whole.count - 1 {
            #expect(throws: ZIPArchive.Fault.self) { try ZIPArchive(Array(whole.prefix(length))) }
        }
        for place in whole.indices {
            var changed = whole
            changed[place] = ~changed[place]
            _ = try? ZIPArchive(changed)
        }
    }

    /// As Python's zlib packs it: 300 times the byte 7.
    @Test func deflatedFilesAreUnpacked() throws {
        let packed: [UInt8] = [0x63, 0x67, 0x1f, 0x05, 0xc4, 0x02, 0x00]
        var archive = ModelBench.zip([("x", packed)])
        let directory = archive.count - 22 - 47
        for start in [8, directory + 10] { archive[start] = 8 }
        archive.replaceSubrange(directory + 24..<directory + 28, with: [0x2c, 0x01, 0, 0])
        #expect(try ZIPArchive(archive).files[0].contents == [UInt8](repeating: 7, count: 300))
        archive[directory + 24] = 0x2d
        #expect(throws: ZIPArchive.Fault.self) { try ZIPArchive(archive) }
    }
}
