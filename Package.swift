// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours is compiled with these; the list is kept in one place by the loop at the end.
var settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
// CI sets this. Users' builds do without: a newer compiler's new warning shall not keep anybody from a table.
let isStrict = Context.environment["TASKWATT_STRICT"] != nil
if isStrict { settings.append(.treatAllWarnings(as: .error)) }

/// Of the C parts in the tests: what C leaves undefined ends the program there, without a library of the compiler's. Functions of other
/// libraries are called through types that leave out their `const`s and structures, which is what `function` would object to.
let cTargets: Set = ["CAMDSMI", "CBareLoop", "CCurl", "CLinux", "CNVML", "COnnxRuntime", "CPCI", "CPostgres"]
let undefined: [CSetting] = [
    .unsafeFlags(
        ["-fsanitize=undefined", "-fsanitize-trap=undefined", "-fno-sanitize=function"], .when(configuration: .debug))
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncAlgorithms = Target.Dependency.product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "taskwatt",
    products: [
        .executable(name: "taskwatt", targets: ["taskwatt"]),
        .library(name: "PluginKit", targets: ["PluginKit"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // The doors to C libraries: module maps, headers and shims, no logic.
        .systemLibrary(name: "CSensors", providers: [.apt(["libsensors-dev"])]),
        .target(name: "CPCI", linkerSettings: [.linkedLibrary("pci")]),
        .target(name: "COnnxRuntime"),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "CLinux"),
        .target(name: "CNVML"),
        .target(name: "CAMDSMI"),
        .target(name: "CCurl"),
        .target(name: "CPostgres"),

        // Values and the machine.
        .target(name: "Core"),
        .target(name: "Digests", dependencies: ["COpenSSL", "Core"]),
        .target(name: "BatchSystems", dependencies: ["Core", "Digests"]),
        .target(name: "Host", dependencies: ["CLinux", "Core", systemPackage]),
        .target(name: "Sensors", dependencies: ["CSensors"]),
        .target(name: "Hardware", dependencies: ["Core", "CPCI", "Host", "Sensors"]),
        .target(name: "Accounting", dependencies: ["Core"]),
        .target(
            name: "Metering", dependencies: ["Accounting", "CAMDSMI", "CLinux", "CNVML", "Core", "Host", "Sensors"],
            exclude: ["README.md"]),

        .target(name: "TLS", dependencies: ["COpenSSL", nioCore]),
        .target(name: "YAMLReading", dependencies: ["Core", yams]),
        .target(name: "Fetching", dependencies: ["CCurl", "Core"]),
        .target(
            name: "PolledMeters",
            dependencies: [
                "Accounting", "Core", "Fetching", "Host", "Metering", "YAMLReading", subprocess, systemPackage,
            ],
            exclude: ["README.md"]),

        // Workloads. The plugins are built into the program, which starts itself as one; a user's is a program of its own.
        .target(name: "WorkloadProtocol", dependencies: ["Core"], exclude: ["README.md", "Schemas"]),
        .target(name: "PluginKit", dependencies: ["Core", "WorkloadProtocol"]),
        .target(name: "Onnx", dependencies: ["COnnxRuntime", "Core", "Digests", protobuf], exclude: ["onnx.proto"]),
        .target(
            name: "onnx-proxies", dependencies: ["Onnx", "PluginKit"], path: "Plugins/onnx-proxies",
            exclude: ["plugin.yaml", "README.md"]),
        .target(
            name: "onnx-model", dependencies: ["Core", "CZlib", "Onnx", "PluginKit"], path: "Plugins/onnx-model",
            exclude: ["plugin.yaml", "README.md"]),
        .target(
            name: "openai", dependencies: ["Core", "Fetching", "PluginKit"], path: "Plugins/openai",
            exclude: ["plugin.yaml", "README.md"]),
        .target(
            name: "command", dependencies: ["Digests", "PluginKit"], path: "Plugins/command",
            exclude: ["plugin.yaml", "README.md"]),

        // Run, record, report, serve.
        .target(
            name: "Suites", dependencies: ["Core", "YAMLReading"],
            resources: [
                .embedInCode("tiny.yaml"), .embedInCode("quick.yaml"), .embedInCode("standard.yaml"),
                .embedInCode("paper.yaml"), .embedInCode("control.yaml"),
            ]),
        .target(
            name: "PluginHosting",
            dependencies: [
                "CLinux", "Core", "Digests", "Host", "Suites", "WorkloadProtocol", "YAMLReading", subprocess,
                systemPackage,
            ],
            resources: [
                .embedInCode("Engines/onnxruntime.py"), .embedInCode("Skeletons/python-model.py"),
                .embedInCode("Skeletons/python-plugin.yaml"), .embedInCode("Skeletons/python-program.py"),
                .embedInCode("Skeletons/python-readme.txt"), .embedInCode("Skeletons/swift-main.txt"),
                .embedInCode("Skeletons/swift-package.txt"), .embedInCode("Skeletons/swift-plugin.yaml"),
                .embedInCode("Skeletons/swift-readme.txt"),
            ]),
        .target(name: "Diagnostics", dependencies: ["Core", "Host", "Metering", systemPackage]),
        .target(
            name: "Running",
            dependencies: [
                "Accounting", "Core", "Diagnostics", "Host", "Metering", "PluginHosting", "Suites", "WorkloadProtocol",
                subprocess, systemPackage,
            ],
            exclude: ["Method/README.md"]),
        .target(name: "Postgres", dependencies: ["Core", "CPostgres"]),
        .target(name: "Recording", dependencies: ["Core", "Postgres", grdb, grdbSQLite]),
        .target(
            name: "Reporting", dependencies: ["Core", "Recording"], exclude: ["README.md"],
            resources: [
                .embedInCode("Figures/accelerators.csv"), .embedInCode("Figures/brain.csv"),
                .embedInCode("Figures/device-parts.csv"), .embedInCode("Figures/energies.csv"),
                .embedInCode("Figures/inference.csv"), .embedInCode("Figures/training.csv"),
                .embedInCode("Page/report.css"),
            ]),
        .target(
            name: "Exchange",
            dependencies: ["Core", "Digests", "Host", "Recording", "Reporting", subprocess, systemPackage],
            exclude: ["README.md", "Bundles/README.md"]),
        .target(
            name: "Forwarding",
            dependencies: ["Core", "Digests", "Exchange", "Fetching", "Host", "Recording", "YAMLReading"]),
        .target(
            name: "API",
            dependencies: [
                "Accounting", "Core", "Exchange", "Host", "Metering", "PluginHosting", "Recording", "Reporting",
                "Running", "Suites", "WorkloadProtocol", "YAMLReading", systemPackage,
            ]),
        .target(
            name: "Listening",
            dependencies: [
                "Core", "Digests", "Host", "TLS", "YAMLReading", httpTypes, hummingbird, hummingbirdCore, logging,
                nioCore, nioHTTP1, nioPosix, serviceLifecycle,
            ]),
        .target(
            name: "Service",
            dependencies: [
                "Accounting", "API", "Core", "Diagnostics", "Exchange", "Forwarding", "Host", "Listening", "Metering",
                "PluginHosting", "Recording", "Reporting", "Running", "Suites", "YAMLReading", asyncAlgorithms,
                httpTypes, hummingbird, logging, nioCore, serviceLifecycle, subprocess, systemPackage, unixSignals,
            ],
            resources: [
                .embedInCode("openapi.json"), .embedInCode("Page/index.html"), .embedInCode("Page/page.css"),
                .embedInCode("Page/page.js"), .embedInCode("Page/daemon.js"), .embedInCode("Page/power.js"),
                .embedInCode("Page/plane.js"), .embedInCode("Page/sections.js"),
                .embedInCode("Page/icon.svg"),
            ]),
        // The command line.
        .target(name: "Terminal", dependencies: ["Core"]),
        .target(
            name: "Settings",
            dependencies: [
                "API", "BatchSystems", "Collecting", "Core", "Exchange", "Fetching", "Forwarding", "Hardware", "Host",
                "Listening", "Metering", "PluginHosting", "PolledMeters", "Postgres", "Recording", "Reporting",
                "Running", "Service", "YAMLReading",
            ]),
        .target(
            name: "Collecting",
            dependencies: [
                "API", "Core", "Digests", "Exchange", "Forwarding", "Host", "Listening", "PolledMeters", "Recording",
                "Reporting",
                "Service", "TLS", "YAMLReading", grdb, httpTypes, hummingbird, logging, nioCore, serviceLifecycle,
                unixSignals,
            ]),
        .target(
            name: "Client",
            dependencies: [
                "Accounting", "API", "Core", "Exchange", "Fetching", "Host", "Metering", "Recording", "Reporting",
                "Running", "Service", "Settings",
            ]),
        .target(
            name: "Commands",
            dependencies: [
                "Accounting", "API", "Client", "Collecting", "Core", "Diagnostics", "Exchange", "Fetching",
                "Forwarding", "Hardware",
                "Host", "Listening", "Metering", "Onnx", "PluginHosting", "PolledMeters", "Recording", "Reporting",
                "Running", "Service", "Settings", "Suites", "Terminal", "WorkloadProtocol", argumentParser, logging,
            ],
            resources: [.embedInCode("HelpTopics.txt")]),
        .executableTarget(
            name: "taskwatt",
            dependencies: [
                "API", "BatchSystems", "Client", "CLinux", "Collecting", "command", "Commands", "Core", "Diagnostics",
                "Exchange", "Hardware", "Host", "Metering", "Onnx", "onnx-model", "onnx-proxies", "openai",
                "PluginHosting", "PolledMeters", "Recording", "Reporting", "Running", "Service", "Settings", "Suites",
                "Terminal", "WorkloadProtocol", argumentParser, logging,
            ]),

        // Tests. What only tests need is in Tests/; the simulator stands for sensors that are not here.
        .executableTarget(name: "sensor-simulator", path: "Tests/SensorSimulator"),
        // Benchmarks are built when they are asked for: `make build` names the program alone.
        .target(name: "CBareLoop", path: "Tests/Benchmarks/Sources/CBareLoop"),
        .executableTarget(
            name: "sampler-benchmark",
            dependencies: ["Accounting", "CBareLoop", "Core", "Host", "Metering", "TestSupport", argumentParser],
            path: "Tests/Benchmarks/Sources/sampler-benchmark"),
        .target(
            name: "CoverageBench",
            dependencies: [
                "Accounting", "Core", "Host", "Metering", "Recording", "Reporting", "Running", "TestSupport",
            ],
            path: "Tests/Benchmarks/Sources/CoverageBench"),
        .executableTarget(
            name: "coverage-benchmark", dependencies: ["CoverageBench", argumentParser],
            path: "Tests/Benchmarks/Sources/coverage-benchmark"),
        .target(
            name: "TestSupport", dependencies: ["Core", "Host", "Postgres", "Recording"], path: "Tests/TestSupport"),
        .testTarget(name: "CoreTests", dependencies: ["Core", "TestSupport"]),
        .testTarget(name: "DigestsTests", dependencies: ["Core", "Digests"]),
        .testTarget(name: "BatchSystemsTests", dependencies: ["BatchSystems", "Core", "TestSupport"]),
        .testTarget(name: "HostTests", dependencies: ["Core", "Host", "TestSupport"]),
        .testTarget(
            name: "HardwareTests", dependencies: ["Hardware", "Host", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "MeteringTests", dependencies: ["Accounting", "Core", "Host", "Metering", "Sensors", "TestSupport"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "FetchingTests", dependencies: ["CCurl", "Fetching", "TestSupport", nioCore, nioPosix],
            exclude: ["tls_server.py"]),
        .testTarget(
            name: "PolledMetersTests",
            dependencies: [
                "Accounting", "Core", "Fetching", "Host", "Metering", "PolledMeters", "TestSupport", "TLS",
                "YAMLReading", nioCore, nioHTTP1, nioPosix,
            ], exclude: ["digest_server.py"]),
        .testTarget(name: "OnnxTests", dependencies: ["Onnx", "TestSupport", protobuf]),
        .testTarget(
            name: "OnnxModelTests", dependencies: ["Onnx", "onnx-model", "PluginKit", "TestSupport", protobuf]),
        .testTarget(name: "OnnxProxiesTests", dependencies: ["Onnx", "onnx-proxies", "PluginKit", "TestSupport"]),
        .testTarget(name: "PluginKitTests", dependencies: ["PluginKit", "WorkloadProtocol"]),
        .testTarget(
            name: "OpenAITests",
            dependencies: [
                "Core", "PluginHosting", "Running", "TestSupport", "TLS", "WorkloadProtocol", nioCore, nioHTTP1,
                nioPosix,
            ], exclude: ["llama_server.py"]),
        .testTarget(
            name: "CommandPluginTests",
            dependencies: [
                "command", "Core", "PluginHosting", "PluginKit", "Running", "TestSupport", "WorkloadProtocol",
            ]),
        .testTarget(name: "TLSTests", dependencies: ["TestSupport", "TLS", nioCore, nioPosix]),
        .testTarget(
            name: "TransformersTests", dependencies: ["TestSupport"],
            exclude: ["Fixtures", "constraints.txt", "requirements.txt"]),
        .testTarget(
            name: "RunningTests",
            dependencies: [
                "Accounting", "Core", "Diagnostics", "Host", "Metering", "PluginHosting", "Running", "Suites",
                "TestSupport", "WorkloadProtocol", "YAMLReading",
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "RecordingTests", dependencies: ["Core", "Recording", "TestSupport", grdb], exclude: ["Fixtures"]),
        .testTarget(
            name: "PostgresRecordTests", dependencies: ["Core", "Postgres", "Recording", "TestSupport"]),
        .testTarget(
            name: "ReportingTests",
            dependencies: ["Core", "CoverageBench", "Recording", "Reporting", "TestSupport", grdb]),
        .testTarget(
            name: "ExchangeTests", dependencies: ["Core", "Exchange", "Host", "Recording", "Reporting", "TestSupport"]),
        .testTarget(
            name: "ForwardingTests",
            dependencies: ["Core", "Exchange", "Fetching", "Forwarding", "Recording", "TestSupport", "YAMLReading"]),
        .testTarget(
            name: "CollectingTests",
            dependencies: [
                "API", "Collecting", "Core", "Digests", "Exchange", "Fetching", "Forwarding", "Listening", "Recording",
                "Service", "TestSupport", "YAMLReading", grdb, httpTypes, hummingbird, logging, nioCore, nioEmbedded,
            ]),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "Accounting", "API", "Client", "Core", "Exchange", "Forwarding", "Host", "Listening", "Metering",
                "PluginHosting", "Recording", "Reporting", "Running", "Service", "Suites", "TestSupport", "TLS", grdb,
                httpTypes, hummingbird, hummingbirdCore, logging, nioCore, nioEmbedded, nioHTTP1, nioPosix,
            ], exclude: ["validate_api.py"]),
        // The parsers under the functions that libFuzzer calls in `make torture`.
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "API", "Core", "Exchange", "Listening", "Onnx", "onnx-model", "openai", "PluginHosting", "PluginKit",
                "Recording", "Reporting", "Running", "Service", "Suites", "TestSupport", "WorkloadProtocol",
                "YAMLReading", httpTypes,
            ], path: "Tests/Torture/Fuzz", exclude: ["Corpora", "Stubs", "Descriptors.c", "PCI.c"]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Accounting", "API", "Client", "Commands", "Core", "Digests", "Exchange", "Fetching", "Host",
                "Listening", "Metering", "Onnx", "PluginHosting", "PolledMeters", "Postgres", "Recording", "Reporting",
                "Running", "sensor-simulator", "Service", "Settings", "Suites", "taskwatt", "Terminal", "TestSupport",
                "WorkloadProtocol", "YAMLReading", argumentParser, httpTypes, subprocess, systemPackage,
            ], exclude: ["Traffic"]),
    ]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = (target.swiftSettings ?? []) + settings
    if isStrict, cTargets.contains(target.name) { target.cSettings = undefined }
}
