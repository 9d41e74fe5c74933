import Foundation
import Testing

/// With the real pip and a wheel made of the real library, without a network.
@Suite(.serialized) struct EngineTests {
    private let scratch: Scratch
    private let directory: String

    init() throws {
        scratch = try Scratch()
        directory = "\(scratch.path)/data/taskwatt/engines/onnxruntime"
    }

    /// A wheel for this machine with one file in it.
    private func makeWheel(_ package: String, library: String) async throws -> String {
        let wheels = "\(scratch.path)/wheels"
        try FileManager.default.createDirectory(atPath: wheels, withIntermediateDirectories: true)
        let name = package.replacing("-", with: "_")
        let script = """
            import sys, zipfile
            wheel = zipfile.ZipFile(sys.argv[1], "w")
            wheel.write(sys.argv[2], "onnxruntime/capi/libonnxruntime.so.1.99.0")
            wheel.writestr("onnxruntime/LICENSE", "MIT")
            wheel.writestr("onnxruntime/__init__.py", "")
            wheel.writestr("\(name)-1.99.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: \(package)\\nVersion: 1.99.0\\n")
            wheel.writestr("\(name)-1.99.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
            wheel.writestr("\(name)-1.99.0.dist-info/RECORD", "")
            wheel.close()
            """
        let made = try await Program.run([
            "python3", "-c", script, "\(wheels)/\(name)-1.99.0-py3-none-any.whl", library,
        ])
        try #require(made.status == 0, "\(made.error)")
        return wheels
    }

    /// Whoever runs the tests may be root, whose place is everybody's.
    private func engine(_ arguments: String..., wheels: String) async throws -> Outcome {
        let environment = ["PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, "PIP_CONFIG_FILE": "/dev/null"]
        return try await Program.run(
            [Program.taskwatt, "engine"] + arguments + ["--directory", directory],
            environment: scratch.environment.merging(environment) { _, new in new })
    }

    @Test func aLibraryIsBroughtUsedAndRemoved() async throws {
        let engines = "\(Program.repository)/.engines/onnxruntime"
        let names = try FileManager.default.contentsOfDirectory(atPath: engines)
        let library = try #require(
            names.first { $0.hasPrefix("libonnxruntime.so") }, "`make deps` brings the engine")
        let wheels = try await makeWheel("onnxruntime", library: "\(engines)/\(library)")
        let installed = try await engine("install", wheels: wheels)
        #expect(installed.status == 0, "\(installed.error)")
        #expect(installed.errorLines.last?.hasPrefix("taskwatt: ONNX Runtime 1.") == true)
        let files = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(Set(files) == ["libonnxruntime.so.1.99.0", "LICENSE"])
        let again = try await engine("install", wheels: "/none")
        #expect(again.status == 0 && again.error.contains("it is there already"), "\(again.error)")

        // It is this one that a plugin loads, and not the checkout's.
        let run = try Background(
            [Program.taskwatt, "run"] + Scratch.small("fill-mask", count: 2000) + ["--plugin", "onnx-proxies"],
            environment: scratch.environment, log: "\(scratch.path)/run.log")
        #expect(try await eventually { Self.isLoaded("\(directory)/libonnxruntime.so.1.99.0") })
        #expect(try await run.status() == 0, "\(run.text)")

        #expect(try await engine("remove", wheels: wheels).status == 0)
        #expect(!FileManager.default.fileExists(atPath: directory))
        let nothing = try await engine("remove", wheels: wheels)
        #expect(nothing.status == 1 && nothing.error.contains("there is no engine in"))
    }

    /// Whether any process has a file in its memory.
    private static func isLoaded(_ file: String) -> Bool {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.contains { process in
            (try? String(contentsOfFile: "/proc/\(process)/maps", encoding: .utf8))?.contains(file) == true
        }
    }

    @Test func whatCannotBeHadIsToldAndWhatIsThereStays() async throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try "old".write(toFile: "\(directory)/libonnxruntime.so.1", atomically: true, encoding: .utf8)
        let broken = try scratch.write("broken", "no library")
        let wheels = try await makeWheel("onnxruntime", library: broken)
        let bad = try await engine("install", "--force", wheels: wheels)
        #expect(
            bad.status == 1 && bad.error.contains("the library of onnxruntime cannot be loaded"), "\(bad.error)")
        let none = try await engine("install", "--cuda", "--force", wheels: wheels)
        #expect(
            none.status == 1 && none.error.contains("pip could not download onnxruntime-gpu; check the network"))
        let python = try await engine("install", "--force", "--python", "python-nowhere", wheels: wheels)
        #expect(python.status == 1 && python.error.contains("python-nowhere cannot be started"))
        #expect(try String(contentsOfFile: "\(directory)/libonnxruntime.so.1", encoding: .utf8) == "old")
        let left = try FileManager.default.contentsOfDirectory(atPath: "\(directory)/..")
        #expect(left == ["onnxruntime"])
    }
}
