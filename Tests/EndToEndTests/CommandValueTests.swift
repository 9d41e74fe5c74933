import Commands
import Core
import Foundation
import Recording
import Settings
import Terminal
import TestSupport
import Testing

/// What commands do that needs no process: the values that their arguments become.
@Suite struct CommandValueTests {
    @Test func aCommandReadsTheConfigurationOnce() throws {
        let scratch = try Scratch()
        let file = try scratch.write("taskwatt.yaml", "keep:\n  samples: 3d\n")
        var environment = scratch.environment
        environment["TASKWATT_CONFIG"] = file
        let surroundings = Surroundings.$environment.withValue(environment) {
            Surroundings(version: "1", note: { _ in }, complain: { _ in })
        }
        #expect(try surroundings.configuration().retention.samples == 3 * 86_400)
        _ = try scratch.write("taskwatt.yaml", "keep:\n  samples: 4d\nrecord: service=later\n")
        #expect(surroundings.recordAddress == nil)
        #expect(try surroundings.configuration().retention.samples == 3 * 86_400)
        // A daemon that is told to.
        #expect(try surroundings.configuration(readAnew: true).retention.samples == 4 * 86_400)
    }

    @Test func optionsAreToldAsTheyWereGiven() {
        #expect(GivenOptions.text(["suite": "quick", "label": nil, "since": "7d"]) == "--suite quick --since 7d")
        #expect(GivenOptions.text(["suite": nil]).isEmpty)
    }

    @Test(
        arguments: [
            (nil, .svg), ("-", .svg), ("a.PDF", .pdf), ("/x.y/a.png", .png), ("a.csv", .csv), ("a.gif", nil),
            ("svg", nil),
        ] as [(String?, FigureFormat?)]) func theNameOfAnOutputTellsTheFormat(output: String?, format: FigureFormat?)
    {
        #expect((try? FigureFormat.of(output)) == format)
    }

    @Test(
        arguments: [
            ("3", 3...3), ("4-883", 4...883), ("9-3", nil), ("", nil), ("-", nil), ("1-2-3", nil), ("x", nil),
        ] as [(String, ClosedRange<Int64>?)]) func numbersOfImportsAreReadStrictly(
            text: String, range: ClosedRange<Int64>?
        )
    {
        #expect(ImportRange(text)?.range == range)
    }
}
