import Foundation
import Testing

extension Served {
    static let token = "0123456789abcdef0123456789abcdef"

    static func withToken(_ scratch: Scratch) async throws -> Served {
        let file = try scratch.write("token", token)
        chmod(file, 0o600)
        return try await Served(scratch, configuration: "listen: {address: \"127.0.0.1:0\", token_file: \(file)}")
    }
}

extension Scratch {
    /// Starts `taskwatt run`.
    func start(_ arguments: [String]) throws -> Background {
        try Background(
            [Program.taskwatt, "run"] + arguments, environment: environment,
            log: "\(path)/run-\(UUID().uuidString.prefix(4)).log")
    }
}

extension WebBrowser {
    /// What the console says that no failed request explains.
    func faults() async throws -> [String] {
        try await console().filter { !$0.contains("Failed to load resource") && $0.contains("SEVERE") }
    }

    /// Waits until a figure is there, and then until it is another one.
    func moves(_ selector: String) async throws {
        try await expect(selector, matches: /[0-9.]+ W/)
        let first = try await text(selector)
        let hasMoved = try await eventually {
            let now = try await self.text(selector)
            return now.hasSuffix(" W") && now != first
        }
        #expect(hasMoved, "\(selector) stays \(first)")
    }

    /// Waits until a job is at its repeats: by then nothing but its progress changes, and its button stays where it is.
    func showsRun(of job: Int) async throws {
        try await expect("#state", contains: "Runs job \(job)")
        try await expect("#jobs tbody tr", contains: "repeat")
    }
}
