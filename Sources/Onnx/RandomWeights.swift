/// Random numbers for weights: uniform, with a given mean and standard deviation, the same for a seed everywhere.
///
/// The generator is SplitMix64 (Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014). Each
/// weight has a stream of its own by its name, so that the order of writing does not matter.
package struct RandomWeights {
    private var state: UInt64

    package init(seed: Int64, name: String) {
        // FNV-1a of the name, mixed with the seed.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        state = hash ^ UInt64(bitPattern: seed) &* 0x9e37_79b9_7f4a_7c15
    }

    private mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Fills memory with numbers of this mean and standard deviation.
    package mutating func fill(_ floats: UnsafeMutableBufferPointer<Float>, deviation: Float, mean: Float) {
        // A uniform distribution of half-width h has the standard deviation h/√3.
        let width = 2 * deviation * Float(3).squareRoot()
        let scale = width / 16_777_216
        let offset = mean - width / 2
        var index = 0
        while index < floats.count {
            let bits = next()
            floats[index] = Float(bits >> 40) * scale + offset
            if index + 1 < floats.count { floats[index + 1] = Float((bits >> 8) & 0xff_ffff) * scale + offset }
            index += 2
        }
    }

    /// A whole number below a limit.
    package mutating func integer(below limit: Int) -> Int64 { Int64(next() % UInt64(max(1, limit))) }
}
