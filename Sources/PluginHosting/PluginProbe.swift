import WorkloadProtocol

extension InstalledPlugin {
    /// Asks the plugin's program whether it can run here, where its manifest says how.
    ///
    /// - Returns: the plugin, without its program if it cannot. One that does not answer in ten seconds may take longer to
    ///   start than to say so, and is left as it is.
    package func probed() async -> InstalledPlugin {
        guard case .found(let path) = program, !manifest.probe.isEmpty else { return self }
        let command = [interpreter, path].compactMap(\.self) + manifest.probe
        let environment = PluginEnvironment.of(manifest)
        let answer = await withTaskGroup(of: ToolRun?.self) { group in
            group.addTask { try? await ToolRun.run(command, directory: directory, environment: environment) }
            group.addTask {
                try? await Task.sleep(for: .seconds(10))
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        guard let answer, !answer.isSuccess else { return self }
        var plugin = self
        plugin.program = .missing(answer.lastLine.isEmpty ? answer.reason : answer.lastLine)
        return plugin
    }
}
