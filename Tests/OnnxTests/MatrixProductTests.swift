import Testing

@testable import Onnx

@Suite("The product of matrices that shows a device's peak")
struct MatrixProductTests {
    @Test(
        "A chain of products of one weight, whose operations are those that the count of graphs gives",
        arguments: [64, 512])
    func graph(_ size: Int) throws {
        let builder = MatrixProduct.graph(size)
        #expect(builder.graph.node.count { $0.opType == "MatMul" } == MatrixProduct.links)
        #expect(builder.weights.map(\.count) == [size * size])
        let counted = try GraphCount.operations(builder.countable, [:])
        #expect(counted == 2 * Double(size * size * size * MatrixProduct.links))
    }

    @Test("Every precision has its products", arguments: Precision.allCases)
    func precisions(_ precision: Precision) {
        let graph = MatrixProduct.graph(64).converted(to: precision).graph
        let product = precision == .int8 ? "MatMulInteger" : "MatMul"
        #expect(graph.node.count { $0.opType == product } == MatrixProduct.links)
    }
}
