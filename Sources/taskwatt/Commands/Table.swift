import API
import ArgumentParser
import Client
import Commands
import Core
import Reporting
import Service
import Terminal

struct Table: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "table",
        abstract: "Print the table of kWh per 1,000 inferences.",
        discussion: """
            The task, mean and std come first, as in the paper; --columns chooses what stands beside them, or all:

            \(NameList.text(TableColumn.allCases.map { ($0.name, $0.summary) }))

            Examples:
              taskwatt table
              taskwatt table --suite-run last --by model,dataset
              taskwatt table --by threads --parameter batch=1
              taskwatt table --since 7d --columns n,interval,cv,net,power
              taskwatt table --carbon-zone DE --format latex > table.tex
              taskwatt table --source paper
            """)

    @Option(help: "The format: \(TableFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: TableFormat = .text

    @Flag(help: "Subtract the idle power.")
    var net = false

    @Option(
        help: ArgumentHelp(
            "Separate rows by these, with commas: \(TableDimension.named.map(\.rawValue).joined(separator: ", ")), or a parameter "
                + "such as threads.",
            valueName: "what"))
    var by: String?

    @Option(help: ArgumentHelp("The columns beside mean and std, with commas.", valueName: "names"))
    var columns: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Look for runs far off the others, run by run. (default: of 100,000 runs at most)")
    var outliers: Bool?

    @OptionGroup var carbonOptions: CarbonOptions
    @OptionGroup var cells: CellOptions
    @OptionGroup(title: "Which runs") var filter: FilterOptions
    @OptionGroup var state: RecordOptions

    func validate() throws {
        _ = try options
        _ = try chosenColumns
    }

    private var options: TableReport.Options {
        get throws {
            var options = try filter.runs.options(isNet: net, carbon: carbonOptions.intensity)
            if let by { options.by = TableDimension.parse(by) }
            options.outliers = outliers
            return options
        }
    }

    private var chosenColumns: [TableColumn]? {
        get throws {
            guard let columns else { return nil }
            let chosen = try validated { try TableColumn.parse(columns) }
            // A zone that is asked for is for its column.
            let isWithCarbon = try carbonOptions.intensity != nil && !chosen.contains(.carbon)
            return isWithCarbon ? chosen + [.carbon] : chosen
        }
    }

    func run() async throws {
        let record = try await state.record()
        let report = try await record.table(try options)
        if report.rows.isEmpty, format.isForPeople {
            throw try await filter.runs.nothingFits(record, leftOut: report.leftOut)
        }
        Console.print(
            rendered: report.rendered(as: format, columns: try chosenColumns, hasRawCells: cells.areRaw),
            forPeople: format.isForPeople, isText: format == .text)
    }
}

/// How much CO2 equivalent a kilowatt-hour stands for.
struct CarbonOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Show CO2 equivalents, at this many g CO2e per kWh.", valueName: "g"))
    var carbonIntensity: Double?

    @Option(
        help: ArgumentHelp(
            "Show CO2 equivalents, by the yearly mean of a country: "
                + CarbonIntensity.zones.compactMap(\.zone).joined(separator: ", ") + ".", valueName: "zone"))
    var carbonZone: String?

    func validate() throws { _ = try intensity }

    var intensity: CarbonIntensity? {
        get throws {
            if carbonZone != nil, carbonIntensity != nil {
                throw ValidationError("Give either --carbon-intensity or --carbon-zone.")
            }
            if let carbonZone {
                guard let zone = CarbonIntensity.of(zone: carbonZone) else {
                    let zones = CarbonIntensity.zones.compactMap(\.zone).joined(separator: ", ")
                    throw ValidationError(
                        "There is no zone \(carbonZone); give --carbon-intensity, or one of "
                            + "\(zones).")
                }
                return zone
            }
            guard let carbonIntensity else { return nil }
            guard (0...10_000).contains(carbonIntensity) else {
                throw ValidationError("--carbon-intensity must be from 0 to 10000 g CO2e per kWh.")
            }
            return CarbonIntensity(gramsPerKilowattHour: carbonIntensity)
        }
    }
}

extension TableFormat: ExpressibleByArgument {}
