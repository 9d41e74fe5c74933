import Core
import Exchange
import Foundation
import Listening
import Recording
import TestSupport
import Testing

@testable import taskwatt

/// Whether the converter is here; `.ci/deps --test` installs it.
private let hasConverter = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .contains { access("\($0)/rsvg-convert", X_OK) == 0 }

@Suite(.serialized) struct FigureCommandTests {
    /// A record with one run, with two scopes.
    private func recorded() throws -> Scratch {
        let scratch = try Scratch()
        let store = try Store(directory: scratch.state)
        let suite = try store.beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                meters: [], version: "1", startedAt: 1_764_000_000))
        try store.record(TestSupport.run(wall: (5000, 10)), samples: [], suiteRun: suite)
        return scratch
    }

    @Test func theFiguresAreListed() async throws {
        let scratch = try Scratch()
        let list = try await scratch.taskwatt("figure")
        #expect(list.status == 0 && list.error.isEmpty)
        for name in ["energy", "power", "scopes", "plane"] {
            #expect(list.output.contains(try Regex("(?m)^  \(name)  +\\S")), "\(name)")
        }
        #expect(list.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func theNameTellsTheFormat() async throws {
        let scratch = try recorded()
        let svg = "\(scratch.path)/a.svg"
        let written = try await scratch.taskwatt("figure", "energy", "--output", svg)
        #expect(written.status == 0 && written.output.isEmpty && written.error == "taskwatt: wrote \(svg)\n")
        let text = try scratch.read("a.svg")
        #expect(text.hasPrefix("<?xml") && text.contains("<svg") && text.contains("0.0100"))
        let printed = try await scratch.taskwatt("figure", "energy")
        #expect(printed.output == text)
        let csv = try await scratch.taskwatt("figure", "energy", "--output", "\(scratch.path)/a.CSV")
        #expect(csv.status == 0)
        #expect(try scratch.read("a.CSV").hasPrefix("task,"))
        // What is said goes before what the name tells.
        let kept = try await scratch.taskwatt("figure", "energy", "-o", svg, "--format", "csv")
        #expect(kept.status == 1 && kept.error.contains("--force"))
        #expect(try scratch.read("a.svg") == text)
        #expect(try await scratch.taskwatt("figure", "energy", "-o", svg, "--format", "csv", "--force").status == 0)
        #expect(try scratch.read("a.svg").hasPrefix("task,"))
        let dark = try await scratch.taskwatt("figure", "scopes", "--theme", "dark", "-o", "-")
        #expect(dark.status == 0 && dark.output.contains("#1a1d22"))
    }

    @Test(.enabled(if: hasConverter, "needs rsvg-convert: .ci/deps --test"))
    func pdfAndPNGAreMade() async throws {
        let scratch = try recorded()
        let directory = scratch.path
        for name in ["a.pdf", "a.png", "b.png"] {
            let width = name == "b.png" ? ["--width", "333", "--theme", "grey"] : []
            let made = try await Program.run(
                [Program.taskwatt, "figure", "energy", "-o", "\(directory)/\(name)"] + width,
                environment: scratch.environment)
            #expect(made.status == 0, "\(made.error)")
        }
        let pdf = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/a.pdf"))
        #expect(pdf.starts(with: Data("%PDF".utf8)))
        for (name, width) in [("a.png", FigureConverter.usualWidth), ("b.png", 333)] {
            let png = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))
            #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
            // The width of IHDR (PNG, 11.2.2).
            #expect(png[16..<20].reduce(0) { $0 << 8 | Int($1) } == width, "\(name)")
        }
        // A paper is written over many times.
        #expect(try await scratch.taskwatt("figure", "energy", "--force", "-o", "\(directory)/a.pdf").status == 0)
    }

    @Test func withoutTheConverterItSaysWhatToInstall() async throws {
        let scratch = try recorded()
        let environment = scratch.environment.merging(["PATH": "\(scratch.path)/none"]) { $1 }
        for format in ["pdf", "png"] {
            let file = "\(scratch.path)/figure.\(format)"
            let refused = try await Program.run(
                [Program.taskwatt, "figure", "energy", "-o", file], environment: environment)
            #expect(refused.status == 1 && refused.output.isEmpty && refused.errorLines.count == 1, "\(refused.error)")
            #expect(refused.error.contains("librsvg2-bin") && refused.error.contains("--format svg"))
            #expect(!FileManager.default.fileExists(atPath: file))
        }
        let svg = try await Program.run([Program.taskwatt, "figure", "energy"], environment: environment)
        #expect(svg.status == 0)
    }

    @Test func aConverterThatFailsIsTold() async throws {
        let scratch = try recorded()
        let bin = "\(scratch.path)/bin"
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        let program = try scratch.write("bin/rsvg-convert", "#!/bin/sh\necho 'it is broken' >&2\nexit 3\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        let failed = try await Program.run(
            [Program.taskwatt, "figure", "energy", "--format", "pdf", "-o", "\(bin)/x"],
            environment: scratch.environment.merging(["PATH": bin + ":/usr/bin:/bin"]) { $1 })
        #expect(failed.status == 1 && failed.errorLines.count == 1 && failed.error.contains("it is broken"))
        #expect(!FileManager.default.fileExists(atPath: "\(bin)/x"))
    }

    @Test func whatIsWrongIsSaidInOneLine() async throws {
        let scratch = try Scratch()
        let none = await Refusal(running: ["figure", "energy"], in: scratch)
        #expect(none.status == 1 && none.message.contains("there is no record in"))
        for (arguments, word) in [
            (["energie"], "energie"), (["energy", "-o", "a.jpeg"], "--format"), (["energy", "-o", "a"], "--format"),
            (["energy", "--width", "500"], "png"), (["energy", "--format", "png", "--width", "99"], "100"),
            (["energy", "--format", "png", "--width", "10001"], "10000"), (["energy", "--theme", "blue"], "blue"),
            (["energy", "--format", "gif"], "gif"),
        ] {
            let refusal = Refusal(parsing: ["figure"] + arguments)
            #expect(refusal.status == 64 && refusal.message.contains(word), "\(arguments): \(refusal.message)")
        }
        for width in ["100", "10000"] {
            #expect(Refusal(parsing: ["figure", "energy", "--format", "png", "--width", width]).status == nil)
        }
        let recorded = try recorded()
        let unfit = await Refusal(running: ["figure", "energy", "--task", "y"], in: recorded)
        #expect(unfit.status == 64 && unfit.message.contains("unknown task `y`"))
        let absent = await Refusal(running: ["figure", "plane"], in: recorded)
        #expect(absent.status == 1 && absent.message.contains("`plane`"))
        // The record itself is no place for it.
        let over = await Refusal(
            running: ["figure", "energy", "-o", "\(recorded.state)/taskwatt.sqlite", "--format", "svg"], in: recorded)
        #expect(over.status == 1 && over.message.contains("record itself"))
    }

    @Test func whatIsTooHighIsRefusedBeforeItIsDrawn() async throws {
        let high = "<svg viewBox=\"0 0 100 100000\">"
        #expect(FigureConverter.ratio(high) == 1000)
        #expect(FigureConverter.ratio("<svg viewBox=\"0 0 0 1\">") == nil && FigureConverter.ratio("") == nil)
        // 317² × 1000 are over a hundred million.
        await #expect(throws: UserError.self) { try await FigureConverter.png(high, width: 317) }
    }

    @Test func aDaemonDrawsItsOwnRecord() async throws {
        let scratch = try recorded()
        let own = try await scratch.taskwatt("figure", "energy", "--theme", "grey")
        let ownData = try await scratch.taskwatt("figure", "energy", "--format", "csv")
        let daemon = try await scratch.daemon()
        let served = try await scratch.taskwatt("figure", "energy", "--theme", "grey")
        #expect(served.status == 0 && served.output == own.output && !own.output.isEmpty, "\(served.error)")
        #expect(try await scratch.taskwatt("figure", "energy", "--format", "csv").output == ownData.output)
        let absent = try await scratch.taskwatt("figure", "power")
        #expect(absent.status == 1 && absent.errorLines.count == 1 && absent.error.contains("`power`"))
        try await daemon.stop()
    }
}
