/// Who measured what the record holds. Figures of different sources never mix in one mean.
package enum RecordSource: String, Sendable, Hashable, Codable, CaseIterable {
    /// Taskwatt, on this machine or, brought by a bundle, on another.
    case taskwatt
    /// The published logs of Luccioni et al., *Power Hungry Processing* (arXiv 2311.16863).
    case paper
    /// A log of CodeCarbon, `emissions.csv`.
    case codecarbon
}
