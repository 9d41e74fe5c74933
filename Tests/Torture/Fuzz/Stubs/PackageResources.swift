/// Stands for what SwiftPM makes of the suites that come with the program, which are corpora here.
enum PackageResources {
    static let tiny_yaml: [UInt8] = []
    static let quick_yaml: [UInt8] = []
    static let standard_yaml: [UInt8] = []
    static let paper_yaml: [UInt8] = []
}

/// Stands for that of `Running`, whose file needs the processes of plugins.
enum PluginEnvironment {
    static let mostNames = 64
}
