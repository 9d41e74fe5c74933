package import Core

extension Reconciliation.Verdict {
    /// For people, after what one scope holds beyond the other.
    package var text: String {
        switch self {
        case .explained: "explained by the stated uncertainties"
        case .unmetered: "not explained by the stated uncertainties: what no inner meter sees"
        case .contradiction: "less than nothing beyond the stated uncertainties: one of the meters is wrong"
        }
    }
}
