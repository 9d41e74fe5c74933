import Foundation
import Onnx
import TestSupport

@testable import PluginKit
@testable import onnx_model

/// Models that a test makes, and the plugin that runs them.
struct ModelBench {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A small text model with all that the maker of inputs looks at: a table of 50 words, a mask, a batch and a length.
    static func textModel() -> GraphBuilder {
        var g = GraphBuilder(name: "text")
        let shape: [Onnx.Dimension] = [.named("batch"), .named("sequence")]
        let ids = g.input("input_ids", shape, .int64)
        let mask = g.input("attention_mask", shape)
        let table = g.weight("table", [50, 8], .random(deviation: 1, mean: 0))
        let words = g.embed(table, ids)
        g.output(g.dense(words, "dense", 8, 3, deviation: 0.1), as: "scores")
        g.output(g.scaled(mask, by: 2), as: "twice")
        return g
    }

    func write(_ builder: GraphBuilder, _ name: String = "model") throws -> ModelFile {
        try ModelFile.cached(in: directory.path, key: name, seed: 3, builder: builder, willWrite: { _ in })
    }

    func request(_ parameters: [String: ParameterValue], model: String? = nil, device: String = "cpu")
        -> WorkloadRequest
    {
        WorkloadRequest(
            task: "custom", model: model, device: device, seed: 1, cacheDirectory: directory.path,
            parameters: parameters, report: { _ in })
    }

    /// What `initialize` answers.
    func initialize(_ parameters: [String: ParameterValue], model: String? = nil, device: String = "cpu") throws
        -> WorkloadInfo
    {
        var plugin = OnnxModel()
        return try plugin.initialize(request(parameters, model: model, device: device))
    }

    /// The problem that `initialize` tells.
    func problem(_ parameters: [String: ParameterValue], model: String? = nil, device: String = "cpu") -> PluginProblem?
    {
        do {
            _ = try initialize(parameters, model: model, device: device)
            return nil
        } catch {
            return error as? PluginProblem
        }
    }

    func save(_ bytes: [UInt8], as name: String) throws -> String {
        try directory.write("/\(name)", Data(bytes))
        return "\(directory.path)/\(name)"
    }

    /// An array as `numpy.save` writes it.
    static func npy(_ type: String, _ shape: [Int], _ elements: [UInt8], order: String = "False", version: UInt8 = 1)
        -> [UInt8]
    {
        let sizes = shape.map { "\($0)," }.joined(separator: " ")
        let header = "{'descr': '\(type)', 'fortran_order': \(order), 'shape': (\(sizes)), }\n"
        let length = UInt32(header.utf8.count)
        let lengthBytes = version == 1 ? 2 : 4
        return [0x93] + Array("NUMPY".utf8) + [version, 0]
            + (0..<lengthBytes).map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) }
            + Array(header.utf8) + elements
    }

    static func bytes<Element>(_ values: [Element]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

    /// An archive of stored files.
    static func zip(_ files: [(name: String, contents: [UInt8])]) -> [UInt8] {
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        var archive: [UInt8] = []
        var directory: [UInt8] = []
        for file in files {
            let start = archive.count
            let name = Array(file.name.utf8)
            let sizes = number(file.contents.count, 4) + number(file.contents.count, 4)
            archive += number(0x0403_4b50, 4) + number(20, 2) + number(0, 12) + sizes + number(name.count, 2)
            archive += number(0, 2) + name + file.contents
            directory += number(0x0201_4b50, 4) + number(20, 2) + number(20, 2) + number(0, 12) + sizes
            directory += number(name.count, 2) + number(0, 12) + number(start, 4) + name
        }
        let start = archive.count
        return archive + directory + number(0x0605_4b50, 4) + number(0, 4) + number(files.count, 2)
            + number(files.count, 2) + number(directory.count, 4) + number(start, 4) + number(0, 2)
    }
}
