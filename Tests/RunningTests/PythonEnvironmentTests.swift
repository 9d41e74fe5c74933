import Core
import Foundation
import TestSupport
import Testing
import WorkloadProtocol

@testable import PluginHosting
@testable import Running
@testable import Suites

/// Virtual environments of plugins, made for real with a package that is made here: nothing is fetched.
@Suite("Python environments", .serialized)
struct PythonEnvironmentTests {
    private let directory: TemporaryDirectory
    private var environments: PythonEnvironments { PythonEnvironments(directories: ["\(directory.path)/environments"]) }
    private var requirements: String { "--no-index\n./demo-1.0-py3-none-any.whl\n" }

    /// A plugin whose program needs the package `demo`.
    init() throws {
        directory = try TemporaryDirectory([
            "/plugins/snake/plugin.yaml": """
            name: snake
            version: 1.0.0
            description: needs a package
            program: program.py
            tasks: [{id: fill-mask}]
            python: {requirements: requirements.txt}
            """,
            "/plugins/snake/requirements.txt": "--no-index\n./demo-1.0-py3-none-any.whl\n",
        ])
        var program = try String(contentsOfFile: "\(PluginBench.fixtures)/sleeper/program.py", encoding: .utf8)
        program = program.replacing("import json, sys, time", with: "import json, sys, time, demo")
            .replacing(#"params["parameters"]["milliseconds"] / 1000"#, with: "demo.seconds")
        // Not executable: the environment's Python reads it.
        try directory.write("/plugins/snake/program.py", program)
        let wheel = """
            import zipfile
            with zipfile.ZipFile("demo-1.0-py3-none-any.whl", "w") as wheel:
                wheel.writestr("demo.py", "seconds = 0.001\\n")
                info = "demo-1.0.dist-info/"
                wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\n")
                wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
                wheel.writestr(info + "RECORD", "demo.py,,\\n" + info + "METADATA,,\\n" + info + "WHEEL,,\\n" + info + "RECORD,,\\n")
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-c", wheel]
        process.currentDirectoryURL = URL(fileURLWithPath: "\(directory.path)/plugins/snake")
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    private func plugin() throws -> InstalledPlugin {
        try PluginCatalogue(
            directories: ["\(directory.path)/plugins"], programDirectory: directory.path, environments: environments
        ).plugin(named: "snake")
    }

    private func reason() throws -> String? {
        if case .missing(let reason) = try plugin().program { reason } else { nil }
    }

    private func installation(python: String = "python3") throws -> PythonInstallation {
        try #require(PythonInstallation(try plugin(), environments: environments, python: python) { _ in })
    }

    @Test("A plugin cannot run until its environment is made, runs with it, and not after its requirements changed")
    func life() async throws {
        #expect(try reason() == "its Python environment is not installed; run `taskwatt plugin install snake`")
        let (environment, isNew) = try await installation().install(.ifNeeded)
        #expect(isNew)
        #expect(environment == "\(directory.path)/environments/snake")
        let ready = try plugin()
        #expect(ready.interpreter == "\(environment)/bin/python")
        #expect(ready.program == .found("\(directory.path)/plugins/snake/program.py"))
        #expect(try await !installation().install(.ifNeeded).isNew)

        let bench = try PluginBench("none")
        let context = RunnerContext(
            host: bench.runner(PluginBench.suite([])).context.host,
            plugins: PluginCatalogue(
                directories: ["\(directory.path)/plugins"], programDirectory: directory.path,
                environments: environments),
            hosting: PluginContext(cacheDirectory: "\(directory.path)/cache", version: "test"))
        let start = WorkloadStart(
            plugin: ready, entry: Suite.Entry(task: .fillMask, amount: .count(1)), seed: 1, context: context.hosting)
        let engine = try await start.with { connection, _ in
            try await start.initialize(connection) { _ in }.workload.engine
        }
        #expect(engine == "time.sleep")

        try directory.write("/plugins/snake/requirements.txt", requirements + "# more\n")
        #expect(try reason()?.contains("is for other requirements; run `taskwatt plugin install snake`") == true)
        #expect(try await installation().install(.upgrade).isNew)
        #expect(try reason() == nil)

        #expect(try PythonInstallation.uninstall("snake", environments) == [environment])
        #expect(!FileManager.default.fileExists(atPath: environment))
        #expect(try PythonInstallation.uninstall("snake", environments) == [])
        #expect(try reason()?.contains("is not installed") == true)
    }

    @Test("What pip cannot install is told in one line, and leaves nothing")
    func pipFails() async throws {
        try directory.write("/plugins/snake/requirements.txt", "--no-index\nno-such-package-here==1.0\n")
        let installation = try installation()
        let error = await #expect(throws: PythonEnvironmentError.self) { try await installation.install(.ifNeeded) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.hasPrefix("pip could not install the requirements of snake: ERROR: "), "\(text)")
        #expect(text.contains("no-such-package-here"))
        #expect(!text.contains("\n"))
        #expect(!FileManager.default.fileExists(atPath: "\(directory.path)/environments/snake"))
    }

    @Test("An environment that was cut off is none")
    func cutOff() throws {
        try directory.write("/environments/snake/pyvenv.cfg", "")
        #expect(try reason()?.contains("is not complete; run `taskwatt plugin install snake`") == true)
        try directory.write("/environments/snake/complete", requirements)
        #expect(try reason()?.contains("is gone; run `taskwatt plugin install --force snake`") == true)
    }

    @Test(
        "Root makes no environment where another user could lead what is written elsewhere",
        .enabled(if: geteuid() == 0))
    func unsafePlace() async throws {
        try directory.write("/victim/kept", "kept")
        chown(directory.path, 65_534, 65_534)
        defer { chown(directory.path, 0, 0) }
        for isLink in [false, true] {
            if isLink { try directory.link("/environments", to: "\(directory.path)/victim") }
            let error = await #expect(throws: PythonEnvironmentError.self) {
                _ = try await PythonInstallation(
                    InstalledPlugin(
                        manifest: try plugin().manifest, directory: "\(directory.path)/plugins/snake",
                        program: .found("/bin/true")), environments: environments
                ) { _ in }?.install(.afresh)
            }
            #expect(error.map { "\($0)".contains("\(directory.path)") } == true, "\(String(describing: error))")
            if !isLink { try FileManager.default.removeItem(atPath: "\(directory.path)/environments") }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/victim") == ["kept"])
    }

    @Test("A Python that is not there, too old, or cannot make environments, is told with a remedy")
    func pythons() async throws {
        func problem(_ script: String?) async throws -> String {
            if let script {
                try directory.write("/python", "#!/bin/sh\n\(script)\n")
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755], ofItemAtPath: "\(directory.path)/python")
            }
            let installation = try installation(python: script == nil ? "/no/such/python" : "\(directory.path)/python")
            let error = await #expect(throws: PythonEnvironmentError.self) { try await installation.install(.afresh) }
            return error.map { "\($0)" } ?? ""
        }
        #expect(try await problem(nil).contains("apt-get install python3 python3-venv"))
        #expect(try await problem("echo nonsense").contains("is not Python"))
        #expect(try await problem("exit 3").contains("is not Python"))
        let old = try await problem("echo 3.8")
        #expect(old.contains("is Python 3.8, and snake needs 3.9 or later"), "\(old)")
        let bare = try await problem("case \"$2\" in *print*) echo 3.11;; *) exit 1;; esac")
        #expect(bare.contains("cannot make virtual environments; apt-get install python3-venv"), "\(bare)")
        let broken = try await problem(
            "case \"$*\" in *print*) echo 3.11;; *-m*) echo no space left >&2; exit 9;; esac")
        #expect(
            broken.hasPrefix("the environment of snake could not be made: no space left (exit status 9); make room"))
    }

    @Test("Two installations of one environment keep from each other, and one that is cancelled leaves nothing")
    func concurrency() async throws {
        try directory.write(
            "/python",
            "#!/bin/sh\ncase \"$*\" in *print*) echo 3.11;; *-m*) touch \"$0.works\"; sleep 3600;; esac\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(directory.path)/python")
        let slow = try installation(python: "\(directory.path)/python")
        let first = Task { try await slow.install(.ifNeeded).directory }
        while !FileManager.default.fileExists(atPath: "\(directory.path)/python.works") {
            try await Task.sleep(for: .milliseconds(20))
        }
        await #expect(throws: PythonEnvironmentError.busy("snake")) { try await slow.install(.ifNeeded) }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        #expect(try reason()?.contains("is not installed") == true)
    }
}
