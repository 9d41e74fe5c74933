import TestSupport

/// Bytes made otherwise: as libFuzzer does it, but blindly, and the same in every run.
struct Mutation {
    private var random: SeededRandom
    /// Of an input; longer ones say little more.
    private static let longest = 1 << 14

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func pick<Element>(_ choices: [Element]) -> Element? { choices.randomElement(using: &random) }

    /// - Parameter others: inputs from which a part may come.
    mutating func callAsFunction(_ original: [UInt8], _ others: [[UInt8]]) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, place + [1, 2, 4, 16, 64, 1024].randomElement(using: &random)!)
            switch Int.random(in: 0..<8, using: &random) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1 where place < bytes.count:
                bytes[place] = [0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x22, 0x30].randomElement(using: &random)!
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end] + bytes[place..<end], at: place)
            case 4: bytes.insert(contentsOf: (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) }, at: place)
            // Limits of numbers of some bytes, as they lie in files.
            case 5:
                let width = min([2, 4, 8].randomElement(using: &random)!, bytes.count - place)
                let limits: [UInt64] = [.max, 1 << 63, .max >> 1, 0, 1 << 31]
                let limit = limits.randomElement(using: &random)!
                for index in 0..<width {
                    bytes[place + index] = UInt8(truncatingIfNeeded: limit >> (8 * UInt64(index)))
                }
            case 6:
                let numbers = ["9223372036854775808", "-1", "1e400", "0.1e-400", "99999999999999999999", "nan", "00"]
                bytes.insert(contentsOf: numbers.randomElement(using: &random)!.utf8, at: place)
            default:
                guard let other = others.randomElement(using: &random), !other.isEmpty else { continue }
                let start = Int.random(in: 0..<other.count, using: &random)
                bytes.replaceSubrange(place..<end, with: other[start..<min(other.count, start + 64)])
            }
        }
        return Array(bytes.prefix(Self.longest))
    }
}
