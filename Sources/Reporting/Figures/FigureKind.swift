package import Core
package import Recording

/// A figure that `taskwatt figure` writes alone: its name, and how it is made of the record. A new one is a line here.
package struct FigureKind: Sendable {
    package let name: String
    /// What it shows, for the list of them.
    package let meaning: String
    /// What there is none of where it cannot be drawn.
    let missing: String
    /// What it shows is there without any run.
    package let needsRuns: Bool
    /// `nil` where there is nothing to draw.
    let make: @Sendable (ReportPage) -> (any Figure)?

    private init(
        _ name: String, _ meaning: String, without missing: String = "", needsRuns: Bool = true,
        _ make: @escaping @Sendable (ReportPage) -> (any Figure)?
    ) {
        (self.name, self.meaning, self.missing, self.needsRuns, self.make) = (name, meaning, missing, needsRuns, make)
    }

    package static let all: [FigureKind] = [
        FigureKind(
            "energy", "kWh per 1,000 inferences of each task, beside the paper's", without: "no run is in the table"
        ) {
            $0.energyChart
        },
        FigureKind("power", "power over time of each workload", without: "no run has samples of its power") {
            $0.powerCharts
        },
        FigureKind(
            "scopes", "what each scope holds beyond the one inside it",
            without: "only one scope was measured; it needs a meter of another, such as a plug"
        ) { $0.scopeChart },
        FigureKind(
            "plane", "speed over power among published accelerators",
            without: "no run has counted operations and a measured or estimated power"
        ) { $0.planeChart },
        FigureKind(
            "plane-years", "speed over power by steps of two years",
            without: "no run has counted operations and a measured or estimated power"
        ) { $0.planeYears },
        FigureKind("compute", "training compute and the operations of an inference over the years", needsRuns: false) {
            $0.computeFigure
        },
        FigureKind("axis", "every energy on one axis, from Landauer's bound to GPT-4's training", needsRuns: false) {
            $0.energyAxis
        },
    ]

    /// - Throws: `UnknownName`.
    package static func named(_ name: String) throws(UnknownName) -> FigureKind {
        guard let kind = all.first(where: { $0.name == name }) else {
            throw UnknownName(what: "figure", name: name, known: all.map(\.name))
        }
        return kind
    }
}

/// One figure, as a file.
package struct FigureFile: Sendable {
    private let kind: FigureKind
    private let figure: any Figure

    /// Why there is no such figure of these runs.
    package enum Absence: UserFacingError, Sendable, Hashable {
        /// No run fits at all.
        case noRuns
        /// The runs that fit have not what it shows.
        case nothingToDraw(String)
        case unreadable(StoreError)

        package var userError: UserError {
            switch self {
            case .noRuns: .nothingToReport
            case .nothingToDraw(let why): UserError(.notFound, why)
            case .unreadable(let problem): problem.userError
            }
        }
    }

    /// - Parameters:
    ///   - store: `nil` where there is no record yet.
    ///   - peaks: as of `ReportPage.Options`.
    package init(
        _ kind: FigureKind, _ store: (any RecordReader)?, _ options: TableReport.Options,
        peaks: [String: [DevicePeak]] = [:]
    ) async throws(Absence) {
        let pageOptions = ReportPage.Options(table: options, version: "", writtenAt: 0, peaks: peaks)
        let page: ReportPage
        do throws(StoreError) {
            if let store {
                page = try await ReportPage(store, pageOptions, hasPower: kind.name == "power")
            } else {
                page = ReportPage(ofNothing: pageOptions)
            }
        } catch { throw .unreadable(error) }
        // Of the whole of an empty record what needs no run can be drawn; where runs were asked for, they are to be there.
        if page.isEmpty, kind.needsRuns || options.filter != TableReport.Options().filter { throw .noRuns }
        guard let figure = kind.make(page) else {
            throw .nothingToDraw("the figure `\(kind.name)` has nothing to show: \(kind.missing)")
        }
        (self.kind, self.figure) = (kind, figure)
    }

    /// An SVG without scripts that needs nothing beside it.
    package func svg(_ theme: FigureTheme = .light) -> String {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + figure.drawing.standalone(figure.legend, theme).source
            + "\n"
    }

    /// All that is drawn, as RFC 4180.
    package func csv(isRaw: Bool = false) -> String { FigureData.csv(figure.data, isRaw: isRaw) }
}
