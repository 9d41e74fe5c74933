/// What a processor's name tells of its kind: `13th Gen Intel(R) Core(TM) i9-13900K`, `AMD Ryzen 7 5800X 8-Core Processor`.
struct ProcessorName: Sendable, Hashable {
    /// Without trademarks and clock.
    let text: String
    private let words: [Substring]

    init(_ name: String) {
        // Some firmware shouts.
        let plain = String(name.prefix { $0 != "@" }).replacing("XEON", with: "Xeon").replacing("(R)", with: " ")
            .replacing("(TM)", with: " ")
            .replacing("CPU", with: " ")
        words = plain.split(separator: " ")
        text = words.joined(separator: " ")
    }

    func has(_ word: String) -> Bool { words.contains { $0 == word } }

    /// The part's number after a brand, past the words of its series: `8380` of `Xeon Platinum 8380`; empty where there is none.
    func part(after brand: String) -> String {
        guard let index = words.firstIndex(where: { $0 == brand }) else { return "" }
        return words[(index + 1)...].first { $0.contains { $0.isNumber } }.map(String.init) ?? ""
    }

    /// Names that hypervisors give to servers of a generation, such as `Intel Core Processor (Broadwell, IBRS)` and `Icelake`.
    var isServer: Bool { has("Processor") && has("Core") && intelCore == nil || text.contains("-Server") }

    /// `Xeon Gold 6230`: the second digit is the generation.
    var isSecondGenerationScalable: Bool {
        words.contains { word in
            let digits = word.prefix { $0.isNumber }
            return digits.count == 4 && digits.dropFirst().first == "2"
        }
    }

    /// `64-Core`.
    var namedCores: Int? { words.lazy.compactMap { $0.hasSuffix("-Core") ? Int($0.dropLast(5)) : nil }.first }
}

// MARK: Intel Core

extension ProcessorName {
    /// A part of Intel's Core: tier, generation, and the letters that tell what it is made for.
    struct IntelCore: Sendable, Hashable {
        /// 3, 5, 7 or 9.
        var tier: Int
        /// 2 (Sandy Bridge) to 14, and 15 for those without one in their name.
        var generation: Int
        /// Digits of the number: four of the tenth and later generations are laptops'.
        var digits: Int
        var suffix: String
    }

    /// `nil` where the name is none of Core.
    var intelCore: IntelCore? {
        for (index, word) in words.enumerated() {
            if word.count > 3, word.first == "i", let tier = word.dropFirst().first?.wholeNumberValue,
                word.dropFirst(2).first == "-"
            {
                return IntelCore(tier, number: word.dropFirst(3))
            }
            // `Core Ultra 9 285K`, `Core 7 150U`.
            guard word == "Core" || word == "Ultra", index + 2 < words.count + 0,
                let tier = words[index + 1].first(where: { $0.isNumber })?.wholeNumberValue, words[index + 1].count <= 2
            else { continue }
            return IntelCore(tier, number: words[index + 2])
        }
        return nil
    }
}

extension ProcessorName.IntelCore {
    fileprivate init?(_ tier: Int, number: Substring) {
        let digits = number.prefix { $0.isNumber }
        guard (3...5).contains(digits.count), [3, 5, 7, 9].contains(tier) else { return nil }
        let leading = Int(digits.prefix(2)) ?? 0
        self.tier = tier
        self.digits = digits.count
        suffix = String(number.dropFirst(digits.count))
        switch digits.count {
        case 3: generation = 15
        case 5: generation = leading
        default: generation = (10...14).contains(leading) ? leading : Int(digits.prefix(1)) ?? 0
        }
        if generation < 2 { return nil }
    }

    /// What such a part may draw, in watts, and what it is for. Of a desktop the figure lies between base and turbo power, so that ± 44 % reach
    /// both where they are within a factor of 2.5; the 65 W parts of the seventh and ninth tier turn up to 180 to 224 W, and it is the turbo
    /// power that is reached. Of a laptop it lies about the base power, which is what lasts.
    ///
    /// - Parameter isWorkstation: of a server's die (X-series).
    func fullWatts(isWorkstation: Bool) -> (Double, kind: String) {
        if suffix.hasPrefix("XM") { return (55, "laptop") }
        if suffix.hasPrefix("X") || (isWorkstation && generation < 15) { return (155, "workstation") }
        if let laptop { return (laptop, "laptop") }
        return (desktop, "desktop")
    }

    private var laptop: Double? {
        let isShort = digits == 4 && generation >= 10
        switch true {
        case suffix.hasPrefix("HX"): return 98
        case suffix.contains("Y"): return generation <= 4 ? 12 : 6.5
        case suffix.hasPrefix("H") && generation == 15: return 50
        case suffix.hasPrefix("H"): return generation <= 7 ? 45 : generation <= 11 ? 60 : 80
        case ["MQ", "QM", "MX", "EQ", "QE"].contains(suffix): return 45
        case suffix.hasPrefix("M"): return 37
        case suffix.hasPrefix("N"): return 12
        case suffix.hasPrefix("P") && isShort: return 43
        case suffix.hasPrefix("V"): return 25
        case suffix.hasPrefix("U"), suffix.hasPrefix("G"), isShort: return generation <= 10 ? 20 : 22
        default: return nil
        }
    }

    private var desktop: Double {
        switch (generation, tier) {
        case _ where suffix.hasPrefix("T"):
            generation <= 9 ? 38 : tier <= 3 ? 52 : tier == 5 ? 62 : 74
        case (...9, _) where suffix.hasPrefix("K"): 102
        case (_, _) where suffix.hasPrefix("K"): 195
        case (...9, _): 75
        case (_, ...3): 80
        case (_, 5): 108
        default: 153
        }
    }
}

extension ProcessorName {
    /// What Pentium, Celeron, Atom, Core m and the N series may draw, and what they are for; `nil` of another name.
    var smallIntelWatts: (watts: Double, kind: String)? {
        if text.contains("i3-N") { return (11, "small cores") }
        if let number = words.first(where: { $0.contains("Y") && $0.contains { $0.isNumber } }), has("Core") {
            return (number.hasPrefix("i") ? 6.5 : 5.5, "Core m")
        }
        if has("Atom") { return (10, "small cores") }
        let number = [part(after: "Pentium"), part(after: "Celeron")].first { !$0.isEmpty } ?? ""
        switch number.first {
        case nil: return words.contains { $0.first == "N" && Int($0.dropFirst()) != nil } ? (9, "small cores") : nil
        case "G": return (number.hasSuffix("T") ? 37 : 55, "Pentium desktop")
        case "J", "N": return (9, "small cores")
        case "B": return (36, "Pentium laptop")
        default: return (number.hasSuffix("M") ? 36 : number.hasSuffix("Y") ? 6 : 17, "Pentium laptop")
        }
    }
}

// MARK: AMD Ryzen

extension ProcessorName {
    struct Ryzen: Sendable, Hashable {
        /// `desktop`, `laptop` or `workstation`.
        var kind: String
        var fullWatts: Double
    }

    /// Of a desktop between TDP and PPT, which is 1.35 × TDP on its sockets (AMD's statement of May 2022 on the socket AM5); of a laptop about the
    /// TDP that it is sold at. `nil` of another name.
    var ryzen: Ryzen? {
        guard let index = words.firstIndex(where: { $0 == "Ryzen" }) else { return nil }
        let rest = words[(index + 1)...]
        if rest.first == "Threadripper" { return Ryzen(kind: "workstation", fullWatts: 245) }
        if rest.contains(where: { $0.hasPrefix("Max") }) { return Ryzen(kind: "laptop", fullWatts: 85) }
        let tier = rest.first { $0.count == 1 }.flatMap { Int($0) } ?? 5
        if rest.contains("AI") { return Ryzen(kind: "laptop", fullWatts: rest.contains("HX") ? 45 : 38) }
        let number = rest.first { $0.prefix { $0.isNumber }.count >= 4 } ?? ""
        let suffix = number.drop { $0.isNumber }
        switch true {
        case suffix.hasPrefix("HX"): return Ryzen(kind: "laptop", fullWatts: 65)
        case suffix.hasPrefix("H"): return Ryzen(kind: "laptop", fullWatts: 45)
        case suffix.hasPrefix("U"), suffix.hasPrefix("C"), suffix.hasPrefix("Z"):
            return Ryzen(kind: "laptop", fullWatts: 22)
        case suffix.hasPrefix("GE"), suffix.hasPrefix("E"): return Ryzen(kind: "desktop", fullWatts: 45)
        case suffix.hasPrefix("X"):
            let watts = tier >= 9 ? 165.0 : tier == 7 ? 113 : tier == 5 ? 102 : 78
            return Ryzen(kind: "desktop", fullWatts: watts)
        default: return Ryzen(kind: "desktop", fullWatts: 78)
        }
    }
}
