import Onnx
import Testing

@Suite("Counting a graph") struct GraphCountTests {
    /// A graph of one step over one input.
    private func graph(
        _ shape: [Dimension], _ step: (inout GraphBuilder, GraphBuilder.Value) -> GraphBuilder.Value
    ) -> GraphBuilder {
        var g = GraphBuilder(name: "test")
        let x = g.input("x", shape)
        g.output(step(&g, x), as: "y")
        return g
    }

    private func operations(_ g: GraphBuilder, _ bindings: [String: Int] = [:]) throws -> Double {
        try GraphCount.operations(g.countable, bindings)
    }

    private func parameters(_ g: GraphBuilder) -> Int64 { GraphCount.parameters(g.countable) }

    @Test func matMulIsTwoOperationsAMultiplication() throws {
        let g = graph([2, 3]) { g, x in g.matMul(x, g.weight("w", [3, 4], .constant(1))) }
        #expect(try operations(g) == 2 * 3 * 8)
        #expect(parameters(g) == 12)
    }

    @Test func denseAddsItsBias() throws {
        let g = graph([2, 3]) { g, x in g.dense(x, "d", 3, 4, deviation: 1) }
        #expect(try operations(g) == 2 * 3 * 8 + 8)
        #expect(parameters(g) == 12 + 4)
    }

    @Test func gemmCountsItsInnerDimensionAndItsBias() throws {
        let g = graph([5, 8]) { g, x in
            let w = g.weight("w", [7, 8], .constant(1))
            return g.matMulTransposed(x, w, bias: g.weight("b", [7], .constant(1)))
        }
        #expect(try operations(g) == (2 * 8 + 1) * 35)
        #expect(parameters(g) == 56 + 7)
    }

    /// 8 × 8 with a 3 × 3 kernel, stride 2 and a border of 1 gives 4 × 4.
    @Test func convolutionCountsKernelAndChannelsAndTrainedWeightsOnly() throws {
        let g = graph([1, 3, 8, 8]) { g, x in g.convolution(x, "c", outputs: 4, kernel: 3, stride: 2, normScale: 1) }
        #expect(try operations(g) == 64 * (2 * 27) + 2 * 64)
        // Four filters, and a scale and a shift each; the running mean and variance are measured, not trained.
        #expect(parameters(g) == 4 * 27 + 4 + 4)
        #expect(g.weights.count == 5)
    }

    @Test func layerNormSoftmaxAndFunctionsCountPerElement() throws {
        let norm = graph([2, 8]) { g, x in g.layerNorm(x, "n", 8, epsilon: 1e-5) }
        #expect(try operations(norm) == 8 * 16)
        #expect(parameters(norm) == 16)
        #expect(try operations(graph([2, 8]) { g, x in g.softmax(x) }) == 5 * 16)
        #expect(try operations(graph([2, 8]) { g, x in g.relu(x) }) == 16)
    }

    /// Its factors 0.5, 1 and √½ are constants of the formula, not parameters.
    @Test func geluIsFiveOperationsAndNoParameter() throws {
        let g = graph([2, 8]) { g, x in g.gelu(x) }
        #expect(try operations(g) == 5 * 16)
        #expect(parameters(g) == 0)
    }

    @Test func poolsCountWhatTheyLookAt() throws {
        let largest = graph([1, 2, 8, 8]) { g, x in g.maxPool(x, kernel: 3, stride: 2) }
        #expect(try operations(largest) == 9 * 32)
        #expect(try operations(graph([1, 2, 8, 8]) { g, x in g.globalAveragePool(x) }) == 128)
    }

    @Test func whatMovesDataCountsNothing() throws {
        let g = graph([1, 6, 4]) { g, x in
            let turned = g.transpose(g.reshape(x, [1, 6, 2, 2]), [0, 2, 1, 3])
            return g.concatenate(turned, turned, axis: 2, size: 12)
        }
        #expect(try operations(g) == 0)
    }

    @Test func aTiedWeightIsCountedAndStoredOnce() throws {
        var g = GraphBuilder(name: "tied")
        let ids = g.input("ids", [1], .int64)
        let table = g.weight("table", [10, 4], .constant(1))
        g.output(g.matMulTransposed(g.embed(table, ids), table), as: "y")
        #expect(parameters(g) == 40)
        #expect(g.weights.map(\.name) == ["table"])
        #expect(try operations(g) == 2 * 4 * 10)
    }

    @Test func aNamedDimensionTakesItsNumberFromTheCaller() throws {
        let g = graph([1, .named("length"), 3]) { g, x in g.matMul(x, g.weight("w", [3, 4], .constant(1))) }
        #expect(try operations(g, ["length": 10]) == 2 * 3 * 40)
        #expect(try operations(g, ["length": 20]) == 2 * 3 * 80)
    }

    @Test func anUnboundDimensionIsAnErrorThatNamesIt() throws {
        let g = graph([1, .named("length"), 3]) { g, x in g.relu(x) }
        let error = #expect(throws: OnnxError.self) { try GraphCount.operations(g.countable, ["width": 3]) }
        #expect(error?.description.contains("length") == true)
    }

    @Test func aValueWithoutAShapeIsAnErrorThatNamesIt() throws {
        var proto = graph([2, 3]) { g, x in g.matMul(x, g.weight("w", [3, 4], .constant(1))) }.countable
        proto.initializer.removeAll { $0.name == "w" }
        proto.valueInfo = []
        #expect(throws: OnnxError.self) { try GraphCount.operations(proto, [:]) }
    }
}

@Suite("Shapes of a graph") struct GraphBuilderTests {
    @Test func broadcastingTakesTheLargerOfEachDimension() {
        var g = GraphBuilder(name: "test")
        let scores = g.input("scores", [1, 12, .named("length"), .named("length")])
        let mask = g.input("mask", [1, 1, 1, .named("length")])
        let bias = g.input("bias", [.named("length")])
        #expect(g.sum(scores, mask).shape == scores.shape)
        #expect(g.sum(mask, scores).shape == scores.shape)
        #expect(g.sum(mask, bias).shape == mask.shape)
        #expect(g.product(g.input("a", [4, 1]), g.input("b", [1, 5])).shape == [4, 5])
    }

    @Test func eachOperatorKnowsItsResult() {
        var g = GraphBuilder(name: "test")
        let x = g.input("x", [1, .named("length"), 6])
        #expect(g.transpose(x, [0, 2, 1]).shape == [1, 6, .named("length")])
        #expect(g.pick(x, axis: 1, index: -1).shape == [1, 6])
        #expect(g.split(x, into: 3).map(\.shape) == Array(repeating: [1, .named("length"), 2], count: 3))
        #expect(g.concatenate(x, x, axis: 1, size: .named("total")).shape == [1, .named("total"), 6])
        let table = g.weight("table", [100, 8], .constant(0))
        #expect(g.embed(table, g.input("ids", [1, .named("length")], .int64)).shape == [1, .named("length"), 8])
    }

    @Test func everyNodeHasAName() {
        var g = GraphBuilder(name: "test")
        let x = g.input("x", [2, 3])
        g.output(g.gelu(g.dense(x, "d", 3, 3, deviation: 1)), as: "y")
        let names = g.graph.node.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(g.graph.node.last?.output == ["y"])
    }

    // MARK: Files that were not made to be run

    private func node(_ type: String, _ inputs: [String], _ output: String) -> Onnx_NodeProto {
        var node = Onnx_NodeProto()
        (node.opType, node.input, node.output) = (type, inputs, [output])
        return node
    }

    @Test("Sizes that multiply beyond all bounds are counted up to the limit")
    func sizesSaturate() throws {
        var graph = Onnx_GraphProto()
        graph.node = [
            node("Conv", ["x", "w"], "y"), node("ConvTranspose", ["x", "w"], "y"),
            node("MatMulNBits", ["x", "v"], "y"),
        ]
        graph.initializer = ["w", "v", "x"].map { name in
            var tensor = Onnx_TensorProto()
            (tensor.name, tensor.dataType, tensor.dims) = (name, 1, [.max, .max, 3])
            return tensor
        }
        #expect(GraphCount.parameters(graph) == .max)
        #expect(try GraphCount.operations(graph) { _ in [.max, .max, 3] } > 1e19)
    }

    @Test("A graph that goes in a circle has no weight that it makes itself")
    func circle() {
        var graph = Onnx_GraphProto()
        graph.node = [node("Identity", ["b"], "a"), node("Cast", ["a"], "b"), node("MatMul", ["x", "a"], "y")]
        #expect(GraphCount.computedWeight(graph) == nil)
        graph.node.append(node("ConstantOfShape", ["s"], "c"))
        graph.node += [node("Transpose", ["c"], "d"), node("MatMul", ["x", "d"], "z")]
        #expect(GraphCount.computedWeight(graph) == "d")
    }
}
