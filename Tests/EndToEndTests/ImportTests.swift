import Foundation
import Recording
import Testing

extension EndToEnd {
    @Suite(.serialized) struct ImportTests {
        private static let header =
            "timestamp,project_name,run_id,duration,cpu_energy,gpu_energy,ram_energy,energy_consumed,cpu_model"

        private static func line(_ number: Int, energy: Double = 0.002) -> String {
            "2026-01-02T03:04:05,bert,00000000-0000-4000-8000-00000000000\(number),10,\(energy),0,0,\(energy),CPU"
        }

        private func importing(_ scratch: Scratch, _ lines: String...) async throws -> Outcome {
            let file = try scratch.write("emissions.csv", ([Self.header] + lines).joined(separator: "\n"))
            return try await scratch.taskwatt("import", "codecarbon", file, "--task", "fill-mask")
        }

        @Test func aLogOfCodeCarbonOnce() async throws {
            let scratch = try Scratch()
            let first = try await importing(scratch, Self.line(1), Self.line(2))
            #expect(first.status == 0, "\(first.error)")
            #expect(first.output.hasPrefix("2 runs imported from "))
            #expect(first.output.contains("taken as 1000 inferences each"))
            let second = try await importing(scratch, Self.line(1), Self.line(2), Self.line(3))
            #expect(second.output.hasPrefix("1 run imported from "))
            #expect(second.output.contains("2 runs in the record already"))
            // What Taskwatt did not measure is exported when it is asked for.
            #expect(try await scratch.taskwatt("export").output.split(separator: "\r\n").count == 1)
            let runs = try await scratch.taskwatt("export", "--source", "codecarbon")
            #expect(runs.output.split(separator: "\r\n").count == 4)
        }

        @Test func aLogThatCannotBeReadChangesNothing() async throws {
            let scratch = try Scratch()
            let bad = try await importing(scratch, Self.line(1), Self.line(2, energy: -1), "cut,sho")
            #expect(bad.status == 1)
            #expect(bad.output.hasPrefix("0 runs imported"))
            #expect(bad.error.contains("emissions.csv:3: `energy_consumed` is -1.0: it cannot be negative"))
            #expect(bad.error.contains("emissions.csv:4: 2 fields, where the header has 9"))
            #expect(bad.errorLines.last?.contains("2 could not be read") == true)
            #expect(try Store.existing(directory: scratch.state) == nil, "there is not even a record")
        }

        @Test func intoTheDaemonsRecord() async throws {
            let scratch = try Scratch()
            let daemon = try Background(
                [Program.taskwatt, "serve"], environment: scratch.environment, log: "\(scratch.path)/daemon.log")
            let isReady = try await eventually(within: 10) { try await scratch.taskwatt("status").status == 0 }
            try #require(isReady, "\(daemon.text)")
            let outcome = try await importing(scratch, Self.line(1))
            #expect(outcome.status == 0, "\(outcome.error)")
            let again = try await importing(scratch, Self.line(1))
            #expect(again.output.contains("1 run in the record already"))
            let logs = try await scratch.taskwatt(
                "export", "--format", "paper", "--source", "codecarbon", "--output", "\(scratch.path)/logs")
            #expect(logs.error.contains("1 run is in"), "\(logs.error)")
            let paper = try await scratch.taskwatt("import", "paper", "\(scratch.path)/logs", "--json")
            // The run is known by its id, whichever way it comes back.
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(paper.output.utf8)) as? [String: Any], "\(paper.error)")
            #expect(json["known"] as? Int == 1)
            #expect(json["imported"] as? Int == 0)
            daemon.send(SIGTERM)
            #expect(try await daemon.status(within: 10) == 0)
        }

        @Test func aDirectoryThatIsNotThePapers() async throws {
            let scratch = try Scratch()
            let outcome = try await scratch.taskwatt("import", "paper", scratch.path)
            #expect(outcome.status == 1)
            #expect(outcome.errorLines.count == 1)
            #expect(outcome.error.contains("give the directory with base/ and complete/ in it"))
        }

        @Test func aFileIsThereWhenItIsWhole() async throws {
            let scratch = try Scratch()
            _ = try await importing(scratch, Self.line(1))
            let outcome = try await scratch.taskwatt(
                "export", "--source", "codecarbon", "--format", "codecarbon", "--output", "\(scratch.path)/out.csv")
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(try scratch.read("out.csv").split(separator: "\r\n").count == 2)
            let nowhere = try await scratch.taskwatt("export", "--output", "\(scratch.path)/none/out.csv")
            #expect(nowhere.status == 1)
            #expect(nowhere.error.contains("give another place by --output"))
        }
    }
}
