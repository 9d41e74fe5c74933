import ArgumentParser

/// `--raw-cells`, of what is written as CSV.
struct CellOptions: ParsableArguments {
    @Flag(
        name: .customLong("raw-cells"),
        help: ArgumentHelp(
            "Do not protect CSV texts from spreadsheets.",
            discussion:
                "Without it a text that a spreadsheet would run as a formula (=, +, -, @ in front) gets an apostrophe before it."
        ))
    var areRaw = false
}
