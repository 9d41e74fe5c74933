import PluginKit

PluginMain.run(OnnxProxies())
