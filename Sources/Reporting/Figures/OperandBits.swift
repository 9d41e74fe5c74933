/// The bits of one operand of a run's products, by the name of its precision.
///
/// Names are those of engines and model files: `fp16`, `torch.bfloat16`, `float8_e4m3fn`, `int8`, `Q4_K_M`, `w4a16`, `nf4`.
package enum OperandBits {
    /// Of a run that does not say: what engines compute in where nobody asks for less.
    package static let unsaid = 32

    /// The widest format that anything computes in is binary128 of IEEE 754.
    private static let possible: Set<Int> = [1, 2, 3, 4, 5, 6, 8, 16, 32, 64, 128]

    private static let prefixes = [
        "bfloat", "bf", "float", "mxfp", "nvfp", "fp", "nf", "f", "uint", "int", "mxint", "iq", "q", "i", "u", "",
    ]

    /// - Returns: `nil` where the name tells no number of bits.
    package static func of(_ precision: String) -> Int? {
        let words = (precision.lowercased().split(separator: ".").last ?? "").split { $0 == "_" || $0 == "-" }
        // What follows tells the kind: `q4_k_m`, `float8_e4m3fn`, `int4-awq`.
        guard let name = words.first else { return nil }
        if words.dropFirst().first?.hasPrefix("bit") == true { return Int(name).flatMap(whole) }
        switch name {
        case "half": return 16
        // TensorFloat-32 lies in 32 bits, of which its products use 19 (NVIDIA, A100 architecture white paper).
        case "float", "single", "tf32": return 32
        case "double": return 64
        // Ternary weights, 1.58 bits of information, in 2 (Ma et al., arXiv 2402.17764).
        case "ternary", "tq1", "tq2": return 2
        default: break
        }
        // Weights and activations apart: an operation needs both, and the wider one is what it forgets.
        if name.hasPrefix("w"), let at = name.firstIndex(of: "a") {
            let weights = Int(name[..<at].dropFirst())
            let activations = Int(name[name.index(after: at)...].prefix { $0.isNumber })
            if let weights, let activations { return whole(max(weights, activations)) }
        }
        for prefix in prefixes {
            guard name.hasPrefix(prefix) else { continue }
            let rest = name.dropFirst(prefix.count)
            let digits = rest.prefix { $0.isNumber && $0.isASCII }
            // `fp16/32` multiplies in 16 and adds in 32: what it multiplies counts. A bare number must be called bits.
            guard let bits = Int(digits) else { continue }
            if prefix.isEmpty, !rest.dropFirst(digits.count).hasPrefix("bit") { continue }
            return whole(bits)
        }
        return nil
    }

    private static func whole(_ bits: Int) -> Int? { possible.contains(bits) ? bits : nil }
}

extension Landauer {
    /// The efficiency that no machine can pass whose operations each forget so many bits, in GOP/s/W.
    ///
    /// - Parameter bits: of one operand, in whose place the result is.
    package static func gopsPerWatt(bits: Int) -> Double { 1e-9 / (joulesPerBit * Double(max(1, bits))) }
}
