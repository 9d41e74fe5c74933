import ArgumentParser

/// `--raw-cells`, of what is written as CSV.
struct CellOptions: ParsableArguments {
    @Flag(
        name: .customLong("raw-cells"),
        help: ArgumentHelp(
            "Leave texts in CSV as they are.",
            discussion:
                "Else one that a spreadsheet would take for a formula (=, +, -, @ in front) has an apostrophe before it."
        ))
    var areRaw = false
}
