import PluginKit

PluginMain.run(CommandPlugin(), hostIsGone: ShellCommand.endRunning)
