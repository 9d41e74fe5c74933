import Core
import Foundation
import Recording
import Reporting
import Testing

@testable import API
@testable import Service

@Suite("What the table is asked for over the API")
struct TableQueryTests {
    /// All that can be asked for.
    static var everything: TableReport.Options {
        var options = TableReport.Options()
        options.isNet = true
        options.by = [.machine, .task, .model, .parameter("num_beams")]
        options.carbon = CarbonIntensity.of(zone: "FR")
        options.filter.suiteRun = "last"
        options.filter.task = MLTask(rawValue: "own & task=?")
        options.filter.stage = .query
        options.filter.source = .paper
        options.filter.suite = "a+b c"
        options.filter.plugin = "p#1"
        options.filter.model = "org/näme%20"
        options.filter.dataset = "d;e"
        options.filter.device = "cuda:0"
        options.filter.size = "tiny"
        options.filter.precision = "int8"
        options.filter.label = "a & b"
        options.filter.engine = "E 1"
        options.filter.parameters = ["a.b": "x=1&y", "é": "\""]
        options.filter.machine = "ホスト"
        options.filter.since = 1_795_521_600.25
        options.filter.until = 1.5e300
        return options
    }

    /// As a server reads a query.
    private func read(_ text: String) throws -> TableReport.Options {
        let items = URLComponents(string: "/v1/table?\(text)")?.queryItems ?? []
        return try TableQuery { name in items.first { $0.name == name }?.value }.options
    }

    @Test("All of it comes through, whatever is in a name")
    func roundTrip() throws {
        var options = Self.everything
        #expect(try read(PercentEncoding.query(TableQuery(options).pairs)) == options)
        options.carbon = CarbonIntensity(gramsPerKilowattHour: 0.1)
        #expect(try read(PercentEncoding.query(TableQuery(options).pairs)) == options)
    }

    @Test("Nothing asked for is the table of what Taskwatt measured")
    func defaults() throws {
        #expect(try read("") == TableReport.Options())
        #expect(try read(PercentEncoding.query(TableQuery(TableReport.Options()).pairs)) == TableReport.Options())
    }

    @Test(
        "What cannot be is the client's mistake",
        arguments: [
            "source=nobody", "since_unix_s=soon", "until_unix_s=nan", "parameters=threads", "carbon_zone=XX",
            "carbon_g_per_kwh=lots",
        ])
    func wrong(text: String) {
        let error = #expect(throws: UserError.self) { try read(text) }
        #expect(error?.kind == .usage)
    }
}
