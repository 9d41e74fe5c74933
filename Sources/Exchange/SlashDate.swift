/// A time as spreadsheets in English write it: `7/31/2026 3:05:00 PM` in the United States, `31/07/2026 15:05` elsewhere.
struct SlashDate {
    /// What comes first.
    enum Order: Hashable {
        case day
        case month

        /// The one that some of a file's times tell; `nil` where none does, or they contradict each other.
        init?(of texts: some Sequence<String>) {
            let orders = Set(texts.compactMap { SlashDate($0)?.order })
            guard orders.count == 1, let order = orders.first else { return nil }
            self = order
        }
    }

    private let first: Int
    private let second: Int
    private let year: Int
    /// In 24 hours, with minutes and whatever comes behind them.
    private let clock: String

    /// `nil` where there are no slashes, or no time of day.
    init?(_ text: String) {
        // The blank before AM and PM may be a narrow one (CLDR 42).
        guard
            let match = text.wholeMatch(
                of:
                    /(\d\d?)\/(\d\d?)\/(\d{4}|\d\d),? +(\d\d?):(\d\d)((?::\d\d)?(?:[.,]\d{1,9})?)(?:[ \u{A0}\u{202F}]?([AaPp])\.?[Mm]\.?)?/
            ),
            let first = Int(match.1), let second = Int(match.2), let year = Int(match.3), var hour = Int(match.4)
        else { return nil }
        if let half = match.7 {
            guard (1...12).contains(hour) else { return nil }
            hour = hour % 12 + (half.lowercased() == "p" ? 12 : 0)
        }
        (self.first, self.second) = (first, second)
        self.year = match.3.count == 2 ? 2000 + year : year
        clock = "\(Self.two(hour)):\(match.5)\(match.6)"
    }

    /// `nil` where it may be either.
    private var order: Order? { first > 12 ? .day : second > 12 ? .month : nil }

    /// Whether it is of two days, of which it does not tell which.
    var isOpen: Bool { order == nil && first != second }

    /// As ISO 8601 has it; `nil` where the order is not known.
    func text(_ given: Order?) -> String? {
        guard let order = order ?? given ?? (first == second ? .day : nil) else { return nil }
        let (day, month) = order == .day ? (first, second) : (second, first)
        return "\(year)-\(Self.two(month))-\(Self.two(day)) \(clock)"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
}
