import Core

/// One id, one meter: a record with two of one id could not tell whose energy it holds.
package enum MeterIdentity {
    /// The listings with each id once. Of several meters of one id the first has it; the others cannot be told from it over a
    /// restart, and are unavailable under an id of their own, with the reason.
    package static func distinct(_ listings: [MeterListing]) -> [MeterListing] {
        var taken = Set(listings.map(\.description.id))
        var seen: Set<String> = []
        return listings.map { listing in
            let id = listing.description.id
            if seen.insert(id).inserted { return listing }
            var double = listing
            var number = 2
            while !taken.insert("\(id)#\(number)").inserted { number += 1 }
            double.description.id = "\(id)#\(number)"
            double.formerIDs = []
            double.isDouble = true
            double.availability = .unavailable(
                reason:
                    "another meter is \(id) too, and nothing that lasts tells them apart: \(listing.description.source)",
                remedy: nil)
            return double
        }
    }
}

extension Sequence where Element == MeterListing {
    /// The meter of an id, or the one that had it in an earlier version; `nil` where there is none, or several had it.
    package func named(_ id: String) -> MeterListing? {
        if let listing = first(where: { $0.description.id == id }) { return listing }
        let former = formerly(id)
        return former.count == 1 ? former[0] : nil
    }

    /// Those that had an id in an earlier version.
    package func formerly(_ id: String) -> [MeterListing] { filter { $0.formerIDs.contains(id) } }
}
