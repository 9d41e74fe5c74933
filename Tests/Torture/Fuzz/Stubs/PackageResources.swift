/// Stands for what SwiftPM makes of the suites that come with the program, which are corpora here; the names are SwiftPM's.
enum PackageResources {
    // swift-format-ignore: AlwaysUseLowerCamelCase
    static let tiny_yaml: [UInt8] = []
    // swift-format-ignore: AlwaysUseLowerCamelCase
    static let quick_yaml: [UInt8] = []
    // swift-format-ignore: AlwaysUseLowerCamelCase
    static let standard_yaml: [UInt8] = []
    // swift-format-ignore: AlwaysUseLowerCamelCase
    static let paper_yaml: [UInt8] = []
}

/// Stands for that of `Running`, whose file needs the processes of plugins.
enum PluginEnvironment {
    static let mostNames = 64
}
