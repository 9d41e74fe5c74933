/// A plugin in Swift by PluginKit that sleeps instead of computing.
struct SwiftSkeleton {
    let name: String
    /// A checkout of taskwatt, whose PluginKit is used; `nil` where the program was installed without one.
    let checkout: String?

    var files: [SkeletonFile] {
        [
            SkeletonFile(path: "plugin.yaml", text: manifest), SkeletonFile(path: "README.md", text: readme),
            SkeletonFile(path: "Package.swift", text: package),
            SkeletonFile(path: "Sources/\(name)/main.swift", text: Self.program),
            SkeletonFile(path: ".gitignore", text: ".build/\nPackage.resolved\n"),
        ]
    }

    private var manifest: String {
        """
        name: \(name)
        version: 0.1.0
        description: an example that sleeps; say here what it runs
        program: .build/release/\(name)
        # Variables of the environment that it needs beside the usual ones; no token comes in unless it is named here.
        # env: [API_TOKEN]
        tasks:
          - {id: \(name), models: [nap]}
        parameters:
          - {name: milliseconds, description: how long one inference sleeps, default: 5}
        limits: {start_s: 60, prepare_s: 60, inference_s: 30}

        """
    }

    private var readme: String {
        """
        # \(name)

        A workload plugin for taskwatt. It answers the task `\(name)` by sleeping; put a model in its place in
        `Sources/\(name)/main.swift`: load it in `prepare`, and answer one query in `infer`.

            swift build -c release
            taskwatt plugin check \(name)
            taskwatt run --task \(name) --plugin \(name) --count 20

        | parameter | default | |
        |---|---|---|
        | `milliseconds` | 5 | how long one inference sleeps |

        """
    }

    private var package: String {
        let dependency =
            checkout.map { ".package(name: \"taskwatt\", path: \"\($0)\")" }
                ?? """
                // PluginKit is in taskwatt's own repository: put the path of your checkout here, or its URL.
                        .package(name: "taskwatt", path: "../taskwatt")
                """
        return """
            // swift-tools-version: 6.2
            import PackageDescription

            let package = Package(
                name: "\(name)",
                dependencies: [
                    \(dependency)
                ],
                targets: [
                    .executableTarget(name: "\(name)", dependencies: [.product(name: "PluginKit", package: "taskwatt")])
                ]
            )

            """
    }

    private static let program = #"""
        import Foundation
        import PluginKit

        /// The model. Everything here is yours to replace.
        struct Workload: WorkloadPlugin {
            private var milliseconds = 5

            /// Checks what is asked for, and makes or fetches files; nothing is measured yet.
            mutating func initialize(_ request: WorkloadRequest) throws -> WorkloadInfo {
                milliseconds = try request.integer("milliseconds", default: 5)
                guard milliseconds >= 0 else {
                    throw PluginProblem("milliseconds must be 0 or more", remedy: "give one, such as milliseconds=5")
                }
                var info = WorkloadInfo(engine: "sleep")
                info.model = "nap"
                return info
            }

            /// Loads the model, and nothing else: its energy is measured.
            mutating func prepare() throws {}

            /// Answers one query.
            mutating func infer() throws { usleep(UInt32(clamping: milliseconds * 1000)) }
        }

        PluginMain.run(Workload())

        """#
}
