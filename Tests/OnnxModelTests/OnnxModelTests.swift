import Foundation
import Onnx
import SwiftProtobuf
import TestSupport
import Testing

@testable import PluginKit
@testable import onnx_model

@Suite("The plugin onnx-model") struct OnnxModelTests {
    private let bench: ModelBench

    init() throws { bench = try ModelBench() }

    // MARK: What it says of a model

    @Test func countsParametersAndOperationsOfTheShapesThatItRuns() throws {
        let file = try bench.write(ModelBench.textModel())
        let info = try bench.initialize(["file": .string(file.path), "dims": .string("sequence=7")])
        #expect(info.parameterCount == Int64(50 * 8 + 8 * 3 + 3))
        // A product of 7 × 8 by 8 × 3 and its bias; the mask times two.
        #expect(info.operationsPerInference == Double(2 * 7 * 8 * 3 + 7 * 3 + 7))
        #expect(info.precision == "fp32")
        #expect(info.model == "model/model")
        #expect(info.modelSHA256 == file.sha256)
        #expect(info.batch == 1)
    }

    /// So that a run that names the default is in the same row as one that does not.
    @Test func whatIsLeftOpenIsToldTheSameHoweverItWasSaid() throws {
        let file = try bench.write(ModelBench.textModel())
        let texts = try ["sequence=7", "sequence=7,batch=1", "batch=1 sequence=7", "input_ids.1=7"].map { dims in
            try bench.initialize(["file": .string(file.path), "dims": .string(dims)]).parameters["dims"]
        }
        #expect(texts == Array(repeating: .string("batch=1,sequence=7"), count: 3) + [texts[3]])
        let other = try bench.initialize(["file": .string(file.path), "dims": .string("sequence=7,batch=2")])
        #expect(other.parameters["dims"] == .string("batch=2,sequence=7"))
        var g = GraphBuilder(name: "fixed")
        g.output(g.relu(g.input("x", [1, 3])), as: "y")
        let fixed = try bench.write(g, "fixed")
        let info = try bench.initialize(["file": .string(fixed.path), "dims": .string("x.0=1")])
        #expect(info.parameters["dims"] == .some(nil), "it makes no difference")
        #expect(info.parameters["quantization"] == nil)
    }

    @Test func dynamicQuantisationIsTold() throws {
        let file = try bench.write(ModelBench.textModel().converted(to: .int8), "int8")
        let info = try bench.initialize(["file": .string(file.path), "dims": .string("sequence=7")])
        #expect(info.parameters["quantization"] == .string("dynamic"))
    }

    /// Users' files seldom say the shapes of their values. Those of the proxies do, so they are taken out.
    @Test func theCountIsTheSameWithoutTheShapesInTheFile() throws {
        let file = try bench.write(ModelBench.textModel())
        let dims = ParameterValue.string("batch=2,sequence=5")
        let with = try bench.initialize(["file": .string(file.path), "dims": dims])
        var model = try Onnx_ModelProto(serializedBytes: Data(contentsOf: URL(fileURLWithPath: file.path)))
        #expect(!model.graph.valueInfo.isEmpty)
        model.graph.valueInfo = []
        let bare = "\(file.directory)/bare.onnx"
        try model.serializedData().write(to: URL(fileURLWithPath: bare))
        let without = try bench.initialize(["file": .string(bare), "dims": dims])
        #expect(without.operationsPerInference == with.operationsPerInference)
        #expect(without.parameterCount == with.parameterCount)
        let expected = try GraphCount.operations(
            ModelBench.textModel().countable, ["batch": 2, "sequence": 5])
        #expect(with.operationsPerInference == expected / 2)
        #expect(with.batch == 2)
    }

    @Test func whatCannotBeCountedIsLeftOut() throws {
        var g = GraphBuilder(name: "loop")
        g.output(g.relu(g.input("x", [1, 3])), as: "y")
        let file = try bench.write(g)
        var model = try Onnx_ModelProto(serializedBytes: Data(contentsOf: URL(fileURLWithPath: file.path)))
        var einsum = Onnx_AttributeProto()
        einsum.name = "equation"
        einsum.type = .string
        einsum.s = Data("ij->ij".utf8)
        model.graph.node[0].opType = "Einsum"
        model.graph.node[0].attribute = [einsum]
        try model.serializedData().write(to: URL(fileURLWithPath: file.path))
        let info = try bench.initialize(["file": .string(file.path)])
        #expect(info.operationsPerInference == nil)
        #expect(info.parameterCount == 0)
    }

    @Test func theUsersFilesStayAsTheyAre() throws {
        let file = try bench.write(ModelBench.textModel())
        let before = try FileManager.default.contentsOfDirectory(atPath: file.directory).sorted()
        var plugin = OnnxModel()
        _ = try plugin.initialize(bench.request(["file": .string(file.path), "dims": .string("sequence=7")]))
        try plugin.prepare()
        for _ in 0..<20 { try plugin.infer() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: file.directory).sorted() == before)
        #expect(try ModelFile.sha256(ofFiles: [file.path, "\(file.path).data"]) == file.sha256)
    }

    @Test func theFileMayBeNamedAsTheModel() throws {
        let file = try bench.write(ModelBench.textModel())
        #expect(try bench.initialize(["dims": .string("sequence=7")], model: file.path).model == "model/model")
        let info = try bench.initialize(
            ["file": .string(file.path), "dims": .string("sequence=7")], model: "my-bert")
        #expect(info.model == "my-bert")
    }

    @Test func nothingRunsBeforeItIsInitialized() throws {
        var plugin = OnnxModel()
        #expect(throws: PluginProblem.self) { try plugin.prepare() }
        #expect(throws: PluginProblem.self) { try plugin.infer() }
    }

    // MARK: Dimensions

    @Test func aDimensionWithoutANumberIsNamed() throws {
        let file = try bench.write(ModelBench.textModel())
        let problem = try #require(bench.problem(["file": .string(file.path)]))
        #expect(problem.message.contains("`sequence`"))
        #expect(!problem.message.contains("`batch`"))
        #expect(problem.remedy == "say it by --dim sequence=…")
    }

    @Test(arguments: [
        ("sequence=7,length=3", "no dimension `length`"), ("sequence", "is no dimension"),
        ("sequence=x", "is no dimension"), ("sequence=-1", "is no dimension"), ("sequence=1,sequence=2", "given twice"),
        ("sequence=2000000000,batch=2000000000", "does not fit into memory"),
        ("sequence=9223372036854775807", "is no dimension"),
    ])
    func aWrongDimensionIsAClearError(dims: String, expected: String) throws {
        let file = try bench.write(ModelBench.textModel())
        let problem = try #require(bench.problem(["file": .string(file.path), "dims": .string(dims)]))
        #expect(problem.message.contains(expected))
        #expect(problem.remedy != nil)
    }

    // MARK: What is refused

    @Test(arguments: [
        ("", "needs a model"), ("model.onnx", "there is no model file"),
        ("/nowhere/model.onnx", "there is no such file"),
        ("/", "it is a directory"), ("/etc/passwd", "not an ONNX model"),
    ])
    func aFileThatIsNoModelIsAClearError(path: String, expected: String) throws {
        let problem = try #require(bench.problem(["file": .string(path)]))
        #expect(problem.message.contains(expected))
        #expect(problem.remedy != nil)
    }

    @Test func anAbsentDeviceIsAnErrorAndTheCPUDoesNotStandInForIt() throws {
        let file = try bench.write(ModelBench.textModel())
        let parameters: [String: ParameterValue] = ["file": .string(file.path), "dims": .string("sequence=7")]
        let problem = try #require(bench.problem(parameters, device: "rocm:0"))
        #expect(problem.isUnavailable)
        #expect(problem.message.contains("rocm:0"))
        #expect(try #require(bench.problem(parameters, device: "abacus")).message.contains("no device `abacus`"))
    }

    // MARK: The process

    @Test func runsAsAProcessBehindTheProtocol() throws {
        let file = try bench.write(ModelBench.textModel())
        let program = try PluginProgram("onnx-model")
        let answer = try program.call(
            1, "initialize",
            #"{"protocol_version":1,"host_version":"","task":"custom","device":"cpu","seed":0,"#
                + #""cache_directory":"\#(bench.directory.path)","parameters":{"file":"\#(file.path)","dims":"sequence=7"}}"#
        )
        let workload = try #require((answer["result"] as? [String: Any])?["workload"] as? [String: Any])
        #expect(workload["parameter_count"] as? Int == 427)
        #expect(try program.call(2, "prepare")["error"] == nil)
        let result = try #require(try program.call(3, "run", #"{"count":20}"#)["result"] as? [String: Any])
        #expect(result["completed"] as? Int == 20)
        #expect((result["latencies_s"] as? [Double])?.count == 20)
        _ = try program.call(4, "shutdown")
        #expect(program.exitStatus(within: 120) == 0)
    }
}
