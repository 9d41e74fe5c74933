import ArgumentParser

struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin",
        abstract: "Install, make, check and clean workload plugins.",
        discussion: "`taskwatt plugins` lists them, with what each can run here.",
        subcommands: [
            PluginInstall.self, PluginUninstall.self, PluginClean.self, PluginExportModel.self, PluginNew.self,
            PluginCheck.self,
        ])
}
