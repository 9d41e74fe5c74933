import Core

extension ReportPage {
    var computeFigure: ComputeFigure { ComputeFigure(table: models) }

    var computeSection: Section? {
        let figure = computeFigure
        var parts: [Markup] = [Self.figure(figure.drawing.markup, caption: figure.caption), figure.trendData.markup()]
        if !figure.own.isEmpty { parts.append(figure.ownData.markup()) }
        parts += [
            .details(
                "The \(figure.published.count) published models’ inference, with their sources",
                figure.inferenceData.markup(hidesCaption: true)),
            .details(
                "The \(figure.training.count) published models’ training, with their sources",
                figure.trainingData.markup(hidesCaption: true)),
        ]
        return Section(id: "compute", title: "Compute over time", parts: parts)
    }
}
