import Foundation
import TestSupport
import Testing

/// `Tests/Devices/gpu-check` runs this plugin on a machine with a GPU: here by the same step on the CPU, with the model that it makes and
/// the Python of the tests.
@Suite(.enabled(if: TestEnvironment.isWanted, "needs its Python environment: .ci/test-environments"))
struct GPUCheckTests {
    private struct Record: Decodable {
        struct Step: Decodable {
            var name: String
            var status: String
            var words: String
        }
        struct Model: Decodable {
            struct Row: Decodable {
                var task: String
                var meanKwh: Double
            }
            var rows: [Row]
        }

        var steps: [Step]
        var model: Model?
    }

    @Test func itMakesAModelAndMeasuresIt() throws {
        let scratch = try TemporaryDirectory()
        let root = URL(fileURLWithPath: TestEnvironment.plugin).deletingLastPathComponent().deletingLastPathComponent()
            .path
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("taskwatt").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: TestEnvironment.python)
        let options = ["--steps", "program,model", "--device", "cpu", "--budget", "3600", "--scale", "0.02"]
        process.arguments =
            ["-B", "\(root)/Tests/Devices/gpu-check", "--program", program, "--output", scratch.path] + options
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let record = try decoder.decode(
            Record.self, from: Data(contentsOf: URL(fileURLWithPath: scratch.path + "/gpu-check.json")))
        #expect(record.steps.map(\.status) == ["done", "done"], "\(record.steps)")
        let rows = try #require(record.model?.rows)
        #expect(rows.map(\.task) == ["text-classification"])
        #expect(rows.allSatisfy { $0.meanKwh > 0 })
    }
}
