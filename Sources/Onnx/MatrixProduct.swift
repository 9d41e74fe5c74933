import Core
import Foundation

/// A chain of products of square matrices, A · B · B · …, to see how fast a device multiplies at most.
///
/// The engine's own kernels do it, as they do the inferences: what it reaches is what those could reach, and not what the maker says of
/// the silicon. A chain, and not one product, so that little of the time goes into bringing A to the device and the result back.
///
/// One thread at a time runs it.
package final class MatrixProduct: @unchecked Sendable {
    /// Rows and columns of each matrix.
    package let size: Int
    package let precision: Precision
    /// Of one run: a multiplication and an addition are two.
    package var operations: Double { 2 * pow(Double(size), 3) * Double(Self.links) }

    /// Products in a row.
    static let links = 4
    /// Goes up with what is written.
    private static let version = 1

    private let session: OnnxSession
    private let input: OnnxTensor

    /// - Parameter cache: where the matrix B is kept, some megabytes.
    package init(
        _ runtime: OnnxRuntime, size: Int, precision: Precision, device: ExecutionDevice, cache: String
    ) throws(OnnxError) {
        self.size = size
        self.precision = precision
        let file = try ModelFile.cached(
            in: cache, key: "matrix-product-\(size)-\(precision.rawValue)-v\(Self.version)", seed: 1,
            builder: Self.graph(size).converted(to: precision)
        ) { _ in }
        session = try OnnxSession(runtime, path: file.path, threads: 0, device: device)
        var random = RandomWeights(seed: 2, name: "a")
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: size * size)
        defer { values.deallocate() }
        random.fill(values, deviation: 0.5, mean: 0)
        input = try OnnxTensor(runtime, floats: Array(values), shape: [size, size])
    }

    /// - Precondition: none; a deviation of 1/√n keeps the numbers of the chain at their size.
    static func graph(_ size: Int) -> GraphBuilder {
        var graph = GraphBuilder(name: "matrix-product")
        var value = graph.input("a", [.fixed(size), .fixed(size)])
        let weight = graph.weight("b", [size, size], .random(deviation: 1 / Float(size).squareRoot(), mean: 0))
        for _ in 0..<links { value = graph.matMul(value, weight) }
        graph.output(value, as: "c")
        return graph
    }

    /// Multiplies once, and waits for the result.
    package func run() throws(OnnxError) { _ = try session.run([("a", input)], outputs: ["c"]) }

    /// Whether the result is of numbers.
    package func check() throws -> Bool {
        let results = try session.run([("a", input)], outputs: ["c"])
        return try results.allSatisfy { try $0.withFloats { $0.allSatisfy(\.isFinite) } }
    }
}

extension MatrixProduct {
    /// Tried from the smallest on: a larger one is nearer to the peak, and takes longer.
    private static let sizes = [512, 1024, 2048, 4096]
    /// One run of the product shall fit several times into a window.
    private static let longestRun = 0.25

    /// The largest product of which one run is short enough.
    ///
    /// - Parameter cache: where the matrices B are kept.
    /// - Throws: `OnnxError`; `UserError` where the device does not multiply.
    package static func largest(
        _ runtime: OnnxRuntime, precision: Precision, device: ExecutionDevice, cache: String
    ) throws -> MatrixProduct {
        var best: MatrixProduct?
        for size in sizes {
            let product = try MatrixProduct(runtime, size: size, precision: precision, device: device, cache: cache)
            // The first run prepares kernels, the second tells.
            guard try product.check() else {
                throw UserError(
                    .failed, "the matrix product in \(precision.rawValue) gave no numbers on \(device.name)")
            }
            let start = ContinuousClock.now
            try product.run()
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            // A larger one takes eight times as long.
            guard best == nil || seconds <= longestRun else { break }
            best = product
            if seconds * 8 > longestRun { break }
        }
        guard let best else { throw UserError(.failed, "no matrix product could be made") }
        return best
    }
}
