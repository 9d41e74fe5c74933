import PluginKit

PluginMain.run(OpenAIPlugin())
