import Core
import Foundation
import Testing

extension EndToEnd {
    /// The page for people, clicked through in a real browser.
    @Suite(.serialized) struct PageTests {
        private let token = "0123456789abcdef0123456789abcdef"
        private let small = [
            "--task", "text-classification", "--repeats", "3", "--count", "50", "--set", "size=tiny",
        ]
        private let endless = [
            "--task", "text-classification", "--repeats", "50000", "--count", "5", "--set", "size=tiny",
        ]

        private func withToken(_ scratch: Scratch) async throws -> Served {
            let file = try scratch.write("token", token)
            chmod(file, 0o600)
            return try await Served(scratch, configuration: "listen: {address: \"127.0.0.1:0\", token_file: \(file)}")
        }

        private func run(_ scratch: Scratch, _ arguments: [String]) throws -> Background {
            try Background(
                [Program.taskwatt, "run"] + arguments, environment: scratch.environment,
                log: "\(scratch.path)/run-\(UUID().uuidString.prefix(4)).log")
        }

        /// What the console says that no failed request explains.
        private func faults(_ browser: WebBrowser) async throws -> [String] {
            try await browser.console().filter { !$0.contains("Failed to load resource") && $0.contains("SEVERE") }
        }

        @Test func showsWhatIsMeasuredAndCancelsWithTheToken() async throws {
            let scratch = try Scratch()
            let served = try await withToken(scratch)
            #expect(try await run(scratch, small).status(within: 60) == 0)
            let browser = try await WebBrowser(scratch)
            try await browser.open(served.base)
            // Power: a figure that moves, what it is of, and how it came about. Nothing here is measured, and it shows.
            try await browser.expect("#total", contains: " W")
            let kind = try await browser.text("#total-kind")
            let isGuessed = kind.hasPrefix("estimated")
            #expect(try await browser.text("#total").hasPrefix("≈") == isGuessed)
            #expect(try await browser.count("#total-kind .badge") == 1)
            try await browser.expect("#meters-now tbody", contains: " W")
            let isDrawn = try await eventually(within: 10) { try await browser.count("#chart canvas") > 0 }
            #expect(isDrawn, "is libjs-dygraphs there? `.ci/deps --test` installs it")
            let before = try await browser.text("#meters-now td.number")
            #expect(try await eventually(within: 10) { try await browser.text("#meters-now td.number") != before })
            // The machine.
            let status = try await served.curl("/v1/machine")
            #expect(status.body.contains("\"name\":\"\(try await browser.text("#host"))\""))
            try await browser.expect("#inventory", contains: "Memory")
            try await browser.expect("#meters tbody", contains: "estimate")
            // The table and the runs.
            try await browser.expect("#rows tbody", contains: "text classification")
            #expect(try await browser.text("#rows tbody .badge") == (isGuessed ? "estimated" : "measured"))
            #expect(try await browser.text("#rows caption").contains("gross"))
            try await browser.click("#net")
            try await browser.expect("#rows", contains: "net: idle power taken off")
            #expect(try await browser.count("#windows tbody tr") == 3)
            let link = try await browser.value("document.querySelector('#suites a').getAttribute('href')").text
            let report = try await served.curl("/\(link)")
            #expect(report.status == 200 && report.body.contains("text classification"))

            // A job comes, without anybody loading the page anew, and is cancelled.
            let client = try run(scratch, endless)
            try await browser.expect("#state", contains: "Runs job 2", within: 30)
            try await browser.expect("#jobs tbody tr", contains: "repeat", within: 30)
            try await browser.click("#jobs button")
            #expect(try await browser.isTrue("document.querySelector('#ask').open"))
            try await browser.type("wrong-wrong-wrong-wrong", into: "#token")
            try await browser.click("#ask button[value=use]")
            try await browser.expect("#ask-problem", contains: "not the token")
            #expect(try await browser.text("#state").contains("Runs job 2"))
            try await browser.type(token, into: "#token")
            try await browser.click("#ask button[value=use]")
            try await browser.expect("#jobs tbody tr", contains: "interrupted")
            try await browser.expect("#state", contains: "Idle")
            _ = try await client.status(within: 10)
            // It is asked for once.
            let second = try run(scratch, endless)
            try await browser.expect("#state", contains: "Runs job 3", within: 30)
            try await browser.click("#jobs button")
            try await browser.expect("#state", contains: "Idle")
            _ = try await second.status(within: 10)
            #expect(try await faults(browser) == [])
            try await browser.close()
            try await served.stop()
        }

        /// Sensors that anybody may read, and counters that are root's: what is measured looks it, and what cannot be read says
        /// why and what helps.
        @Test func tellsWhatIsMeasuredFromWhatCannotBe() async throws {
            try #require(geteuid() == 0, "this test plays two users and needs root: run `sudo make test`")
            let scratch = try Scratch()
            chmod(scratch.path, 0o777)
            let copy = "\(scratch.path)/taskwatt"
            try FileManager.default.copyItem(atPath: Program.taskwatt, toPath: copy)
            let simulation = try Simulation(scratch, Simulation.machine())
            let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy]
            let served = try await Served(scratch, program: ["/usr/bin/env"] + simulation.command(user))
            let browser = try await WebBrowser(scratch)
            try await browser.open(served.base)
            try await browser.expect("#total-kind", contains: "measured")
            #expect(try await browser.text("#total").wholeMatch(of: /5[0-9]\.[0-9] W/) != nil)
            #expect(try await browser.count("#meters-now tbody tr") == 3)
            #expect(try await browser.count("#meters-now .badge.measured") == 3)
            try await browser.expect("#meters tbody", contains: "energy_uj is readable by root alone")
            try await browser.expect("#meters tbody", contains: "sudo chmod a+r /sys/class/powercap/*/energy_uj")
            try await browser.close()
            let status = try decoded(try await served.curl("/v1/status").body) as DaemonProcess
            kill(status.processId, SIGTERM)
            #expect(try await served.daemon.status(within: 10) == 0, "\(served.daemon.text)")
        }

        private struct DaemonProcess: Decodable { var processId: Int32 }

        @Test func comesBackByItselfWhenTheDaemonDoes() async throws {
            let scratch = try Scratch()
            let served = try await Served(scratch)
            let port = try #require(served.base.split(separator: ":").last.flatMap { Int($0) })
            let browser = try await WebBrowser(scratch)
            try await browser.open(served.base)
            try await browser.expect("#total", contains: " W")
            #expect(try await browser.isTrue("document.querySelector('#connection').hidden"))
            _ = try await browser.value("window.mark = 1")
            try await served.stop()
            try await browser.expect("#connection", contains: "trying again")
            let again = try await Served(scratch, port: port)
            let isBack = try await eventually(within: 20) {
                try await browser.isTrue("document.querySelector('#connection').hidden")
            }
            #expect(isBack)
            let time = try await browser.text("#meters-now td.number")
            #expect(try await eventually(within: 10) { try await browser.text("#meters-now td.number") != time })
            #expect(try await browser.isTrue("window.mark === 1"))
            try await browser.close()
            try await again.stop()
        }

        @Test func whereItIsForReadingNothingCanBeCancelled() async throws {
            let scratch = try Scratch()
            let served = try await Served(scratch)
            let client = try run(scratch, endless)
            let browser = try await WebBrowser(scratch)
            try await browser.open(served.base)
            try await browser.expect("#state", contains: "Runs job 1", within: 30)
            try await browser.expect("#access", contains: "not allowed here")
            #expect(try await browser.isTrue("document.querySelector('#jobs button').disabled"))
            try await browser.close()
            client.send(SIGINT)
            _ = try await client.status(within: 10)
            try await served.stop()
        }

        @Test func withoutTheChartsLibraryItSaysSoAndShowsTheRest() async throws {
            let scratch = try Scratch()
            let served = try await Served(scratch)
            let browser = try await WebBrowser(scratch)
            try await browser.devTools("Network.enable", [:])
            try await browser.devTools("Network.setBlockedURLs", ["urls": .array([.string("*dygraph*")])])
            try await browser.open(served.base)
            try await browser.expect("#chart-note", contains: "sudo apt install libjs-dygraphs")
            try await browser.expect("#meters-now tbody", contains: " W")
            #expect(try await browser.count("#chart canvas") == 0)
            #expect(try await faults(browser) == [])
            try await browser.close()
            try await served.stop()
        }

        @Test func fitsEveryWindowByDayAndByNightAndForEveryReader() async throws {
            let scratch = try Scratch()
            let served = try await Served(scratch)
            #expect(try await run(scratch, small).status(within: 60) == 0)
            let browser = try await WebBrowser(scratch)
            var grounds: Set<String> = []
            for dark in [false, true] {
                for width in [360, 400, 768, 1280] as [Int64] {
                    try await browser.show(width: width, dark: dark)
                    try await browser.open(served.base)
                    try await browser.expect("#rows tbody", contains: "text classification")
                    try await browser.expect("#meters tbody", contains: "estimate")
                    let over = try await browser.value("document.documentElement.scrollWidth - innerWidth")
                    #expect((over.integerValue ?? 99) <= 0, "\(width): \(over.text)")
                    if let directory = ProcessInfo.processInfo.environment["TASKWATT_PICTURES"] {
                        let name = "\(directory)/page-\(width)-\(dark ? "dark" : "light").png"
                        try await browser.picture().write(to: URL(fileURLWithPath: name))
                    }
                }
                grounds.insert(try await browser.value("getComputedStyle(document.body).backgroundColor").text)
            }
            #expect(grounds.count == 2)
            // For those who hear the page: landmarks, headings, heads of tables, and names.
            for landmark in ["header", "nav[aria-label]", "main", "footer", "h1"] {
                #expect(try await browser.count("body > \(landmark), body > header \(landmark)") == 1, "\(landmark)")
            }
            #expect(try await browser.count("th:not([scope]), table:not(:has(caption)), [id=''], img:not([alt])") == 0)
            #expect(try await browser.isTrue("[...document.querySelectorAll('th')].every(one => one.innerText.trim())"))
            let ids = "[...document.querySelectorAll('[id]')].map(one => one.id)"
            #expect(try await browser.isTrue("(ids => new Set(ids).size === ids.length)(\(ids))"))
            // Nothing is fetched from elsewhere.
            let hosts =
                "[...new Set(performance.getEntriesByType('resource').map(one => new URL(one.name).origin))].join()"
            #expect(try await browser.value(hosts).text == served.base)
            #expect(try await faults(browser) == [])
            try await browser.close()
            try await served.stop()
        }
    }
}
