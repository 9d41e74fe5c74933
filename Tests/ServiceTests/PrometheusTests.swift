import Core
import Foundation
import Hummingbird
import Logging
import Metering
import TestSupport
import Testing

@testable import Service

/// A real Prometheus and the daemon's routes on a Unix socket. Prometheus cannot reach one, so a relay stands between.
@Suite("Prometheus")
struct PrometheusTests {
    private struct Answer: Decodable {
        struct Content: Decodable { var result: [Series] }
        struct Series: Decodable {
            var metric: [String: String]
            /// The time, and the value as text.
            var value: [JSONValue]
        }
        var status: String
        var data: Content
    }

    /// Where the environments were named this is CI, and the lack of a program fails.
    private static var isInstalled: Bool {
        let variables = ProcessInfo.processInfo.environment
        return variables["TASKWATT_TEST_ENVIRONMENTS"] != nil
            || (variables["PATH"] ?? "").split(separator: ":").contains {
                FileManager.default.isExecutableFile(atPath: "\($0)/prometheus")
            }
    }

    private static let relay = """
        import asyncio, sys
        async def copy(reader, writer):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()
        async def client(reader, writer):
            up, down = await asyncio.open_unix_connection(sys.argv[1])
            await asyncio.gather(copy(reader, down), copy(up, writer), return_exceptions=True)
        async def main():
            server = await asyncio.start_server(client, "127.0.0.1", 0)
            print("port", server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()
        asyncio.run(main())
        """

    /// Waits until a program has said a thing, and returns what the pattern's parentheses hold.
    private func said(_ pattern: Regex<(Substring, Substring)>, by command: BackgroundCommand) async throws -> String {
        #expect(
            try await eventually { command.output.firstMatch(of: pattern) != nil || !command.isRunning },
            "it says nothing")
        return String(try #require(command.output.firstMatch(of: pattern), "\(command.output)").1)
    }

    private func ask(_ query: String, at address: String) throws -> [Answer.Series] {
        let program = """
            import sys, urllib.parse, urllib.request
            query = urllib.parse.urlencode({"query": sys.argv[2]})
            try:
                print(urllib.request.urlopen(f"http://{sys.argv[1]}/api/v1/query?{query}", timeout=20).read().decode())
            except OSError:
                print('{"status":"not yet","data":{"result":[]}}')
            """
        let output = try Command(["python3", "-c", program, address, query]).output
        return try JSONDecoder().decode(Answer.self, from: Data(output.utf8)).data.result
    }

    private func number(_ query: String, at address: String) throws -> Double? {
        try ask(query, at: address).first?.value.last.flatMap { Double($0.text) }
    }

    @Test(
        "It scrapes the daemon, and its API has the power that the counters' rate is", .timeLimit(.minutes(10)),
        .enabled(if: isInstalled, "needs prometheus: .ci/deps --test"))
    func scrape() async throws {
        let daemon = try TestDaemon()
        daemon.meters.session.start()
        let socket = "\(daemon.directory.path)/taskwatt.sock"
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let application = Application(
            router: daemon.routes.router(),
            configuration: ApplicationConfiguration(address: .unixDomainSocket(path: socket)), logger: logger)
        let serving = Task { try await application.runService(gracefulShutdownSignals: []) }
        defer { serving.cancel() }
        #expect(try await eventually { FileManager.default.fileExists(atPath: socket) })

        let relay = try BackgroundCommand(
            ["python3", "-c", Self.relay, socket], log: "\(daemon.directory.path)/relay.log")
        let port = try await said(/port (\d+)/, by: relay)
        try daemon.directory.write(
            "/prometheus.yml",
            """
            global: {scrape_interval: 100ms, scrape_timeout: 100ms}
            scrape_configs:
              - job_name: taskwatt
                static_configs: [{targets: ["127.0.0.1:\(port)"]}]
            """)
        let prometheus = try BackgroundCommand(
            [
                "prometheus", "--config.file=\(daemon.directory.path)/prometheus.yml",
                "--storage.tsdb.path=\(daemon.directory.path)/tsdb", "--web.listen-address=127.0.0.1:0",
            ], log: "\(daemon.directory.path)/prometheus.log")
        let address = try await said(/Listening on.*address=(\S+)/, by: prometheus)

        #expect(try await eventually { try number("up{job='taskwatt'}", at: address) == 1 }, "\(prometheus.output)")
        // Both are scraped together: a scrape that comes late on a busy machine changes neither.
        let rate = "rate(taskwatt_energy_joules_total[15s]) / rate(taskwatt_observed_seconds_total[15s])"
        #expect(try await eventually { try number("count_over_time(up[15s])", at: address) ?? 0 >= 8 })
        let watts = try #require(try number(rate, at: address))
        #expect(abs(watts - 10) < 0.1, "the rate of the counter is \(watts) W")
        #expect(abs((try number("taskwatt_power_watts", at: address) ?? 0) - 10) < 1)
        #expect(try number("taskwatt_build_info{version='1.0'}", at: address) == 1)
        #expect(try number("histogram_quantile(0.95, taskwatt_sampler_jitter_ratio_bucket)", at: address) != nil)
        let labels = try #require(try ask("taskwatt_energy_joules_total", at: address).first?.metric)
        #expect(labels["scope"] == "package" && labels["provenance"] == "simulated")
        withExtendedLifetime(relay) {}
    }
}
