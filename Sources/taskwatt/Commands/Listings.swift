import ArgumentParser
import Commands
import Hardware
import Settings
import Terminal

struct Meters: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meters",
        abstract: "List every meter of this machine, with the reason if it cannot be read.",
        discussion: """
            If a daemon answers, the list shows what the daemon may read. In JSON, the resolution is in microjoules for a \
            counter and in microwatts for a gauge. `taskwatt help scopes` explains the scopes.

            Examples:
              taskwatt meters
              taskwatt meters --json | jq '.[].meter.id'
            """)

    @OptionGroup var answer: AnswerOptions

    @OptionGroup var state: StateOptions

    func run() async throws {
        let list = try await MeterList.read(state.surroundings)
        try answer.print(list.meters, list.text)
    }
}

struct HardwareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hardware",
        abstract: "List the hardware: CPU, memory, PCI devices, accelerators, sensors.",
        discussion: """
            Examples:
              taskwatt hardware
              taskwatt hardware --json | jq .accelerators
            """)

    @OptionGroup var answer: AnswerOptions

    func run() throws {
        let inventory = Inventory.discover(Surroundings().host)
        try answer.print(inventory, .lines(InventoryText.render(inventory)))
    }
}
