extension ComputeFigure {
    /// On the page each part has its own, in the caption.
    var legendAlone: [Legend.Entry] {
        func entry(_ style: String, _ text: String) -> Legend.Entry {
            Legend.Entry(shape: .outline(ComputeMark.path(style, 11, 6)), style: style, text: text)
        }
        let domains = TrainingRun.Domain.allCases.filter { domain in training.contains { $0.domain == domain } }
        return domains.map { entry($0.style, "(a) \($0.rawValue)") }
            + kinds.map { entry($0.kind.style, "(b) \($0.kind.rawValue), \($0.kind.unit): \($0.fit.text)") }
            + ownLegend.map { entry($0.style, $0.text) }
    }
}
