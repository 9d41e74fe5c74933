import ArgumentParser

struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin",
        abstract: "Install, make, check and clean workload plugins.",
        discussion: "`taskwatt plugins` lists them, and says what each can do here.",
        subcommands: [
            PluginInstall.self, PluginUninstall.self, PluginClean.self, PluginExportModel.self, PluginNew.self,
            PluginCheck.self,
        ])
}
