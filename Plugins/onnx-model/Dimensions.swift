import Onnx
import PluginKit

/// The numbers of a model's named dimensions.
struct Dimensions {
    private(set) var sizes: [String: Int]

    /// - Parameter text: `batch=1,sequence=128`.
    /// - Throws: `PluginProblem`.
    init(_ text: String) throws {
        sizes = [:]
        for part in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, !pair[0].isEmpty, let size = Int(pair[1]), (0...1 << 31).contains(size) else {
                throw PluginProblem(
                    "`\(part)` in the parameter dims is no dimension",
                    remedy: "write name=number, such as batch=1,sequence=128")
            }
            guard sizes.updateValue(size, forKey: String(pair[0])) == nil else {
                throw PluginProblem("the dimension `\(pair[0])` is given twice", remedy: "give it once in dims")
            }
        }
    }

    /// Takes a dimension's number from an array that the user gives.
    mutating func bind(_ name: String, to size: Int, by array: String) throws {
        guard sizes[name, default: size] == size else {
            throw PluginProblem(
                "the dimension `\(name)` is \(sizes[name] ?? 0), and \(array) has \(size) there",
                remedy: "leave it out of dims, or give an array of that size")
        }
        sizes[name] = size
    }

    /// Fills in what is left open, and says what is still missing.
    ///
    /// - Throws: `PluginProblem` that names all dimensions without a number, or one that the model does not have.
    mutating func complete(for inputs: [OnnxValueInfo]) throws {
        var missing: [String] = []
        var known: Set<String> = []
        for input in inputs {
            for (axis, dimension) in input.shape.enumerated() {
                guard case .named(let name) = dimension, known.insert(name).inserted, sizes[name] == nil else {
                    continue
                }
                if axis == 0, Self.isBatch(name, of: input.name) { sizes[name] = 1 } else { missing.append(name) }
            }
        }
        if !missing.isEmpty {
            let example = missing.map { "\($0)=…" }.joined(separator: ",")
            throw PluginProblem(
                "the model leaves open how large \(missing.map { "`\($0)`" }.joined(separator: ", ")) \(missing.count == 1 ? "is" : "are")",
                remedy: "say it by dims=\(example)")
        }
        if let stranger = sizes.keys.filter({ !known.contains($0) }).min() {
            throw PluginProblem(
                "the model has no dimension `\(stranger)`",
                remedy: known.isEmpty
                    ? "leave it out: all its sizes are fixed"
                    : "its dimensions are \(known.sorted().map { "`\($0)`" }.joined(separator: ", "))")
        }
    }

    /// The sizes of an input.
    func shape(of input: OnnxValueInfo) -> [Int] { input.shape.compactMap { $0.value(sizes) } }

    /// How many queries one pass answers: the size of a first dimension that is called so, else 1.
    func batch(of inputs: [OnnxValueInfo]) -> Int {
        for input in inputs {
            if case .named(let name)? = input.shape.first, Self.isBatch(name, of: input.name) {
                return max(1, sizes[name] ?? 1)
            }
        }
        return 1
    }

    /// `batch`, `batch_size`, `N` and the like, and one without a name.
    private static func isBatch(_ name: String, of input: String) -> Bool {
        let lower = name.lowercased()
        return lower.contains("batch") || ["n", "b", "bs"].contains(lower) || name == "\(input).0"
    }
}
