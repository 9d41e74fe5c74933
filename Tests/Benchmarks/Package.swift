// swift-tools-version: 6.2
import PackageDescription

/// As in the package above: what is measured is compiled as it is there.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Benchmarks are a package of their own, so that nobody has to build them who does not run them. The modules are links to
/// those of the package above: `package` access ends at a package's border.
let package = Package(
    name: "benchmarks",
    products: [.executable(name: "sampler-benchmark", targets: ["sampler-benchmark"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .systemLibrary(name: "CSensors", providers: [.apt(["libsensors-dev"])]),
        .target(name: "CAMDSMI"),
        .target(name: "CLinux"),
        .target(name: "CNVML"),
        .target(name: "Core"),
        .target(name: "Host", dependencies: ["Core", .product(name: "SystemPackage", package: "swift-system")]),
        .target(name: "Sensors", dependencies: ["CSensors"]),
        .target(
            name: "Metering", dependencies: ["CAMDSMI", "CLinux", "CNVML", "Core", "Host", "Sensors"],
            exclude: ["README.md"]),
        // What fills a record needs the record, which no benchmark does.
        .target(name: "TestSupport", dependencies: ["Host"], exclude: ["TestRecord.swift"]),
        .target(name: "CBareLoop"),
        .executableTarget(
            name: "sampler-benchmark",
            dependencies: [
                "CBareLoop", "Core", "Host", "Metering", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
    ]
)

for target in package.targets where target.type != .system { target.swiftSettings = settings }
