import Foundation
import Recording
import Testing

@Suite(.serialized) struct ImportTests {
    private static let header =
        "timestamp,project_name,run_id,duration,cpu_energy,gpu_energy,ram_energy,energy_consumed,cpu_model"

    private static func line(_ number: Int, energy: Double = 0.002) -> String {
        "2026-01-02T03:04:05,bert,00000000-0000-4000-8000-00000000000\(number),10,\(energy),0,0,\(energy),CPU"
    }

    private func importing(_ scratch: Scratch, _ lines: String..., options: [String] = []) async throws -> Outcome {
        let file = try scratch.write("emissions.csv", ([Self.header] + lines).joined(separator: "\n"))
        return try await Program.run(
            [Program.taskwatt, "import", "codecarbon", file, "--task", "fill-mask"] + options,
            environment: scratch.environment)
    }

    @Test func aLogOfCodeCarbonOnce() async throws {
        let scratch = try Scratch()
        let first = try await importing(scratch, Self.line(1), Self.line(2))
        #expect(first.status == 0, "\(first.error)")
        #expect(first.output.hasPrefix("2 runs imported from "))
        #expect(first.output.contains("taken as 1000 inferences each"))
        let second = try await importing(scratch, Self.line(1), Self.line(2), Self.line(3))
        #expect(second.output.hasPrefix("1 run imported from "))
        #expect(second.output.contains("2 runs already in the record"))
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
        #expect(bad.errorLines.last?.contains("2 lines could not be read") == true)
        #expect(bad.errorLines.last?.contains("--skip-bad") == true)
        #expect(try Store.existing(directory: scratch.state) == nil, "there is not even a record")
    }

    @Test func badLinesAreLeftOutWhereTheUserSaysSo() async throws {
        let scratch = try Scratch()
        let lines = [Self.line(1), Self.line(2, energy: -1), "cut,sho", Self.line(3)]
        let part = try await importing(scratch, lines[0], lines[1], lines[2], lines[3], options: ["--skip-bad"])
        #expect(part.status == 0, "\(part.error)")
        #expect(part.output.hasPrefix("2 runs imported"))
        #expect(part.error.contains("emissions.csv:3: ") && part.error.contains("emissions.csv:4: "))
        #expect(part.errorLines.contains { $0.contains("2 lines") })
        let none = try await importing(scratch, lines[1], options: ["--skip-bad"])
        #expect(none.status == 1 && none.output.hasPrefix("0 runs imported"))
        // A run is known by the id that was made of its line.
        let bare = Self.line(4).replacing("00000000-0000-4000-8000-000000000004", with: "None")
        for known in [false, true] {
            let outcome = try await importing(scratch, bare)
            #expect(
                outcome.status == 0 && outcome.output.contains("1 run already in the record") == known,
                "\(outcome.error)")
            #expect(outcome.output.contains("without an id"))
        }
        #expect(try await scratch.taskwatt("table", "--source", "codecarbon").status == 0)
    }

    @Test func aWrongImportIsUndone() async throws {
        let scratch = try Scratch()
        _ = try await importing(scratch, Self.line(1), Self.line(2))
        let list = try await scratch.taskwatt("import", "list", "--json")
        let imports = try #require(
            try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]], "\(list.error)")
        #expect(imports.map { $0["runs"] as? Int } == [2])
        #expect(try await scratch.taskwatt("import", "list").output.contains("emissions.csv"))
        let which = try await scratch.taskwatt("import", "undo")
        #expect(which.status != 0 && which.error.contains("`taskwatt import list`"), "\(which.error)")
        let none = try await scratch.taskwatt("import", "undo", "7")
        #expect(none.status == 64 && none.error.contains("there is no import 7; `taskwatt import list` has them"))
        let undone = try await scratch.taskwatt("import", "undo", "1")
        #expect(undone.output.hasPrefix("removed 2 runs of "), "\(undone.error)")
        #expect(try await scratch.taskwatt("import", "list").error.contains("nothing was imported"))
        let again = try await importing(scratch, Self.line(1), Self.line(2))
        #expect(again.output.hasPrefix("2 runs imported from "))
    }

    @Test func aListThatIsCutSaysSo() async throws {
        let scratch = try Scratch()
        for number in 1...3 { _ = try await importing(scratch, Self.line(number)) }
        let cases: [(options: [String], ids: [Int?], isCut: Bool)] = [
            ([], [3, 2, 1], false), (["--limit", "2"], [3, 2], true), (["--limit", "3"], [3, 2, 1], false),
            (["--all"], [3, 2, 1], false),
        ]
        for (options, ids, isCut) in cases {
            let list = try await Program.run(
                [Program.taskwatt, "import", "list", "--json"] + options, environment: scratch.environment)
            let read = try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]]
            #expect(read?.map { $0["id"] as? Int } == ids, "\(list.error)")
            #expect(list.error.contains("--all") == isCut, "\(options): \(list.error)")
        }
        // Those of one directory share a line.
        let one = try await scratch.taskwatt("import", "list", "--limit", "1")
        #expect(one.output.contains("1-3") && !one.error.contains("--all"), "\(one.error)")
        for (limit, isCut) in [("2", true), ("3", false)] {
            let suites = try await scratch.taskwatt("list", "--limit", limit)
            #expect(suites.error.contains("--all") == isCut, "\(suites.error)")
            #expect(suites.output.split(separator: "\n").count { $0.contains("codecarbon") } == Int(limit))
        }
        #expect(try await scratch.taskwatt("list", "--limit", "2", "--all").status == 64)
    }

    @Test func intoTheDaemonsRecord() async throws {
        let scratch = try Scratch()
        let daemon = try await scratch.daemon()
        let outcome = try await importing(scratch, Self.line(1))
        #expect(outcome.status == 0, "\(outcome.error)")
        let again = try await importing(scratch, Self.line(1))
        #expect(again.output.contains("1 run already in the record"))
        let logs = try await scratch.taskwatt(
            "export", "--format", "paper", "--source", "codecarbon", "--output", "\(scratch.path)/logs")
        #expect(logs.error.contains("1 run to "), "\(logs.error)")
        let paper = try await scratch.taskwatt("import", "paper", "\(scratch.path)/logs", "--json")
        // The run is known by its id, whichever way it comes back.
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(paper.output.utf8)) as? [String: Any], "\(paper.error)")
        #expect(json["known"] as? Int == 1)
        #expect(json["imported"] as? Int == 0)
        let undone = try await scratch.taskwatt("import", "undo", "1-9")
        #expect(undone.output.hasPrefix("removed 1 run of "), "\(undone.error)")
        #expect(try await scratch.taskwatt("import", "list", "--json").output.filter { !$0.isWhitespace } == "[]")
        try await daemon.stop()
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
        // A log says nothing of GPUs here, and that project's score is of them alone.
        func score() async throws -> Outcome {
            try await scratch.taskwatt("export", "--source", "codecarbon", "--format", "ai-energy-score")
        }
        let none = try await score()
        #expect(none.status == 1 && none.error.contains("left out: the tasks fill-mask"), "\(none.error)")
        let log = try scratch.write(
            "gpu.csv",
            Self.header + "\n2026-01-02T03:04:05,gpt2,00000000-0000-4000-8000-000000000009,10000,0,2,0,2,CPU")
        _ = try await scratch.taskwatt("import", "codecarbon", log, "--task", "text-generation")
        let scored = try await score()
        #expect(
            scored.output.contains("gpt2,,text_gen,,1000,1000,0,10000,10,0,0,0,0,2000,,0,2,"), "\(scored.output)")
        #expect(scored.output.hasSuffix(",gpt2,2\r\n"))
        #expect(scored.error.contains("left out: the tasks fill-mask"))
        let nowhere = try await scratch.taskwatt("export", "--output", "\(scratch.path)/none/out.csv")
        #expect(nowhere.status == 1)
        #expect(nowhere.error.contains("give another place by --output"))
    }
}
