import PluginKit

PluginMain.run(OnnxModel())
