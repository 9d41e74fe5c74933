import Core
import Foundation

/// Compute over time: what training and one inference of published models take, and among them the record's own models with what an
/// inference of theirs took.
struct ComputeFigure: Figure {
    let training: [TrainingRun]
    let published: [InferenceCost]
    /// The latest ones.
    let own: [OwnModel]
    /// How many of the record's models there is no room for.
    let ownLeftOut: Int
    /// Whether the energies are less the idle baseline.
    let isNet: Bool

    /// More stars than anybody tells apart.
    static let mostOwn = 60

    /// - Parameter table: by task and model.
    init(
        table: TableReport, training: [TrainingRun] = TrainingRun.published,
        published: [InferenceCost] = InferenceCost.published
    ) {
        self.training = training
        self.published = published
        isNet = table.isNet
        let all = table.rows.map(OwnModel.init).filter { $0.operations != nil || $0.isMeasured }
        let latest = Set(
            all.indices.sorted { (all[$0].date, $0) > (all[$1].date, $1) }.prefix(Self.mostOwn))
        own = all.indices.filter(latest.contains).map { all[$0] }
        ownLeftOut = all.count - own.count
    }

    /// A table that it can be made of: by task and model.
    static func options(_ options: TableReport.Options) -> TableReport.Options {
        var options = options
        options.by = [.task, .model]
        return options
    }

    var eras: [ComputeTrend.Era] { ComputeTrend.eras(of: training) }

    /// The line through the models of each kind.
    var kinds: [(kind: InferenceCost.Kind, fit: ExponentialFit)] {
        InferenceCost.Kind.allCases.compactMap { kind in
            ExponentialFit(published.filter { $0.kind == kind }.map { ($0.year, $0.operations) }).map { (kind, $0) }
        }
    }

    // MARK: Words

    /// The article's sum.
    static var quotation: String {
        let months = 62.0
        let fast = ComputeTrend.growth(months: months, doublingEvery: 3.4)
        let slow = ComputeTrend.growth(months: months, doublingEvery: 24)
        return
            "“300,000 ×”, as the article quotes OpenAI, is this sum: 62 months at a doubling every 3.4 months are 2^(62 ÷ 3.4), more "
            + "than \(FigureText.grouped((fast / 1000).rounded(.down) * 1000)) ×; at a doubling every two years they are 2^(62 ÷ 24), "
            + "which is \(FigureText.grouped(slow.rounded())) ×."
    }

    var caption: [Markup] {
        ([trainingText, inferenceText] + (own.isEmpty ? [] : [ownText])).map { .element("p", [:], .text($0)) }
    }

    /// How the record's own marks look, each way that is there.
    var ownKey: [ComputeMark.Entry] {
        let found = Set(own.map(\.provenance))
        return Provenance.allCases.filter(found.contains).map {
            ComputeMark.Entry(style: "ours \($0.rawValue)", text: "this record, \($0.rawValue)")
        }
    }

    private var trainingText: String {
        "(a) \(training.count) models that Epoch AI calls notable (CC BY 4.0; the reference of each is in the table below). The lines are ordinary "
            + "least squares of log₁₀ FLOP over the date; their bands and the ranges in brackets are 95 % intervals, which take the models for "
            + "independent draws. "
            + eras.map { "\($0.name.capitalizedFirst): \($0.rule)." }.joined(separator: " ")
            + " Ringed: those records. What was published, of the models known then, is in the table. " + Self.quotation
    }

    private var inferenceText: String {
        "(b) \(published.count) published models, a forward pass each; a multiplication and an addition are two operations, and where a "
            + "source counts them as one its figure is doubled. What an inference is goes with the kind, so kinds are not to be compared. "
            + "The lines go through all models of a kind, small ones that were made to be cheap too."
    }

    private var ownText: String {
        let more = ownLeftOut > 0 ? " The latest \(own.count) are shown; \(ownLeftOut) earlier ones are not." : ""
        return
            "Stars: this record’s models by their number in the table below, at the day of their last run and, where they would cover each "
            + "other, beside it; their operations are counted in the model that ran, an inference being what the task makes of it. "
            + "Below, (c), the \(isNet ? "net " : "")energy of one inference with its 95 % interval; hollow where it is estimated or simulated. "
            + "Hexagons: the means of Luccioni et al., Power Hungry Processing (arXiv 2311.16863), whose scope is another."
            + more
    }

    // MARK: Data

    var data: [FigureData] {
        var data = [trendData]
        if !own.isEmpty { data.append(ownData) }
        return data + [inferenceData, trainingData]
    }

    var trendData: FigureData {
        func cell(_ value: Double?) -> FigureData.Cell {
            value.map { .number($0, shown: FigureText.fixed($0, 1)) } ?? .none
        }
        func row(_ name: String, _ fit: ExponentialFit, _ published: Double?, _ source: FigureData.Cell) -> [FigureData
            .Cell]
        {
            let interval = fit.doublingInterval
            return [
                .text(name), .number(Double(fit.count), shown: String(fit.count)),
                .number(fit.slope, shown: FigureText.fixed(fit.slope, 3)),
                .number(fit.slopeHalfWidth, shown: FigureText.fixed(fit.slopeHalfWidth, 3)),
                cell(fit.doublingMonths), cell(interval.low), cell(interval.high), cell(published), source,
            ]
        }
        return FigureData(
            caption: "Growth of compute: log₁₀ of the operations over the date, by ordinary least squares",
            columns: [
                .init(title: "models", key: "models", isNumber: false), .init(title: "n", key: "n", isNumber: true),
                .init(title: "powers of ten a year", key: "decades_per_year", isNumber: true),
                .init(title: "± 95 %", key: "decades_per_year_uncertainty_95", isNumber: true),
                .init(title: "doubling in months", key: "doubling_months", isNumber: true),
                .init(title: "at the fastest", key: "doubling_months_low_95", isNumber: true),
                .init(title: "at the slowest", key: "doubling_months_high_95", isNumber: true),
                .init(title: "published", key: "published_doubling_months", isNumber: true),
                .init(title: "by", key: "published_by", isNumber: false),
            ],
            rows: eras.map { row("training, \($0.name)", $0.fit, $0.published, .text($0.source)) }
                + kinds.map { row("inference, \($0.kind.rawValue)", $0.fit, nil, .none) })
    }

    var ownData: FigureData {
        FigureData(
            caption: "This record’s models: operations and \(isNet ? "net " : "")energy of one inference",
            columns: [
                .init(title: "no.", key: "number", isNumber: true), .init(title: "task", key: "task", isNumber: false),
                .init(title: "model", key: "model", isNumber: false),
                .init(title: "set-up", key: "setup", isNumber: false),
                .init(title: "machine", key: "machine", isNumber: false),
                .init(title: "last run", key: "last_run", isNumber: false),
                .init(title: "operations", key: "operations_per_inference", isNumber: true),
                .init(title: "J", key: "joules_per_inference", isNumber: true),
                .init(title: "± 95 %", key: "joules_per_inference_uncertainty_95", isNumber: true),
                .init(title: "scope", key: "scope", isNumber: false),
                .init(title: "provenance", key: "provenance", isNumber: false),
            ],
            rows: own.enumerated().map { index, model in
                [
                    .number(Double(index + 1), shown: String(index + 1)), .name(model.task), .name(model.model),
                    .name(model.setup), .name(model.machine), .text(model.date),
                    model.operations.map { .number($0) } ?? .none, .number(model.joules),
                    model.halfWidth.map { .number($0) } ?? .none, .text(model.scope.rawValue),
                    .text(model.provenance.rawValue),
                ]
            })
    }

    var inferenceData: FigureData {
        FigureData(
            caption: "Operations of one inference of published models",
            columns: [
                .init(title: "model", key: "model", isNumber: false),
                .init(title: "kind", key: "kind", isNumber: false),
                .init(title: "date", key: "date", isNumber: false),
                .init(title: "one inference", key: "unit", isNumber: false),
                .init(title: "operations", key: "operations", isNumber: true),
                .init(title: "parameters", key: "parameters", isNumber: true),
                .init(title: "counted", key: "counted", isNumber: false),
                .init(title: "source", key: "source", isNumber: false),
            ],
            rows: published.map { model in
                [
                    .text(model.model), .text(model.kind.rawValue), .text(model.date), .text(model.unit),
                    .number(model.operations), model.parameters.map { .number($0) } ?? .none, .text(model.counted),
                    .text(model.source),
                ]
            })
    }

    var trainingData: FigureData {
        let records = Set(ComputeTrend.records(of: training).map(\.model))
        return FigureData(
            caption: "Training compute of notable models, by Epoch AI (CC BY 4.0)",
            columns: [
                .init(title: "model", key: "model", isNumber: false),
                .init(title: "domain", key: "domain", isNumber: false),
                .init(title: "date", key: "date", isNumber: false), .init(title: "FLOP", key: "flop", isNumber: true),
                .init(title: "confidence", key: "confidence", isNumber: false),
                .init(title: "record of 2012 to 2018", key: "is_record", isNumber: false),
                .init(title: "source", key: "source", isNumber: false),
            ],
            rows: training.map { run in
                [
                    .text(run.model), .text(run.domain.rawValue), .text(run.date), .number(run.operations),
                    .text(run.confidence), .text(records.contains(run.model) ? "yes" : ""), .text(run.source),
                ]
            })
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
