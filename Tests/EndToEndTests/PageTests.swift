import Core
import Foundation
import Testing

/// The page for people, clicked through in a real browser.
@Suite(.serialized, .browser) struct PageTests {
    private let small = Scratch.small(repeats: 3, count: 50)
    private let endless = Scratch.small(repeats: 50_000)

    @Test func showsWhatIsMeasuredAndCancelsWithTheToken() async throws {
        let scratch = try Scratch()
        let served = try await Served.withToken(scratch)
        #expect(try await scratch.start(small).status() == 0)
        let browser = try await WebBrowser.window()
        try await browser.open(served.base)
        // Power: a figure that moves, what it is of, and how it came about. Nothing here is measured, and it shows.
        try await browser.expect("#total", contains: " W")
        let kind = try await browser.text("#total-kind")
        let isGuessed = kind.hasPrefix("estimated")
        if isGuessed {
            try await browser.expect("#total", matches: /≈ \d+\.\d W/)
        } else {
            try await browser.expect("#total", matches: /\d+\.\d W/)
        }
        try await browser.expect("#total-kind .badge", count: 1)
        try await browser.expect("#meters-now tbody", contains: " W")
        let isDrawn = try await eventually { try await browser.count("#chart canvas") > 0 }
        #expect(isDrawn, "is libjs-dygraphs there? `.ci/deps --test` installs it")
        try await browser.moves("#meters-now td.number")
        // The machine.
        let machine: Machine = try decoded(try await served.curl("/v1/machine").body)
        try await browser.expect("#host", contains: machine.name)
        try await browser.expect("#inventory", contains: "Memory")
        try await browser.expect("#meters tbody", contains: "estimate")
        // The table and the runs.
        try await browser.expect("#rows tbody", contains: "text classification")
        try await browser.expect("#rows tbody .badge", contains: isGuessed ? "estimated" : "measured")
        try await browser.expect("#rows caption", contains: "gross")
        try await browser.click("#net")
        try await browser.expect("#rows", contains: "net: idle power taken off")
        try await browser.expect("#windows tbody tr", count: 3)
        try await browser.expect("#suites a", count: 1)
        let link = try await browser.value("document.querySelector('#suites a').getAttribute('href')").text
        let report = try await served.curl("/\(link)")
        #expect(report.status == 200 && report.body.contains("text classification"))

        // A job comes, without anybody loading the page anew, and is cancelled.
        let client = try scratch.start(endless)
        try await browser.showsRun(of: 2)
        // Its progress is another one with every event, and the button stays the same one, where a finger is about to press it.
        let places = """
            new Promise((done) => {
              const seen = new Set(), buttons = new Set();
              const timer = setInterval(() => {
                const button = document.querySelector("#jobs button");
                buttons.add(button);
                seen.add(Math.round(button.getBoundingClientRect().left));
              }, 10);
              setTimeout(() => { clearInterval(timer); done(`${[...seen].join()} ${buttons.size}`); }, 2000);
            })
            """
        let seen = try await browser.value(places).text
        #expect(seen.contains(/^[0-9]+ 1$/), "\(seen)")
        try await browser.expect("#access", contains: "token")
        try await browser.click("#jobs button")
        try await browser.expect("document.querySelector('#ask').open")
        try await browser.type("wrong-wrong-wrong-wrong", into: "#token")
        try await browser.click("#ask button[value=use]")
        try await browser.expect("#ask-problem", contains: "not the token")
        try await browser.expect("#state", contains: "Runs job 2")
        try await browser.type(Served.token, into: "#token")
        try await browser.click("#ask button[value=use]")
        try await browser.expect("#jobs tbody tr", contains: "cancelled")
        try await browser.expect("#state", contains: "Idle")
        _ = try await client.status()
        // It is asked for once.
        let second = try scratch.start(endless)
        try await browser.showsRun(of: 3)
        // The report of the one before comes to stand below it, and the button is still the same one.
        _ = try await browser.value("(window.old = document.querySelector('#jobs button')) !== null")
        try await browser.expect("document.querySelectorAll('#jobs tbody tr')[1].querySelector('a')")
        try await browser.expect("window.old.isConnected && document.querySelector('#jobs button') === window.old")
        try await browser.click("#jobs button")
        try await browser.expect("#state", contains: "Idle")
        _ = try await second.status()
        #expect(try await browser.faults() == [])
        try await browser.close()
        try await served.stop()
    }

    /// Sensors that anybody may read, and counters that are root's: what is measured looks it, and what cannot be read says
    /// why and what helps.
    @Test(.asRoot) func tellsWhatIsMeasuredFromWhatCannotBe() async throws {
        let scratch = try Scratch()
        chmod(scratch.path, 0o777)
        let copy = "\(scratch.path)/taskwatt"
        try FileManager.default.copyItem(atPath: Program.taskwatt, toPath: copy)
        let simulation = try Simulation(scratch, Simulation.machine())
        let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy]
        let served = try await Served(scratch, program: ["/usr/bin/env"] + simulation.command(user))
        let browser = try await WebBrowser.window()
        try await browser.open(served.base)
        try await browser.expect("#total-kind", contains: "measured")
        try await browser.expect("#total", matches: /5[0-9]\.[0-9] W/)
        try await browser.expect("#meters-now tbody tr", count: 3)
        try await browser.expect("#meters-now .badge.measured", count: 3)
        try await browser.expect("#meters tbody", contains: "energy_uj is readable by root alone")
        try await browser.expect("#meters tbody", contains: "sudo chmod a+r /sys/class/powercap/*/energy_uj")
        try await browser.close()
        let status = try decoded(try await served.curl("/v1/status").body) as DaemonProcess
        kill(status.processId, SIGTERM)
        #expect(try await served.daemon.status() == 0, "\(served.daemon.text)")
    }

    private struct DaemonProcess: Decodable { var processId: Int32 }
    private struct Machine: Decodable { var name: String }

    /// A sampler has no power before its second reading: that is not yet known, and not gone.
    @Test func tellsAPowerThatIsNotKnownYetFromOneThatIsGone() async throws {
        let scratch = try Scratch()
        let served = try await Served(scratch)
        let browser = try await WebBrowser.window()
        // All is real but that what comes live loses its power on the way for as long as the test says so.
        let script = """
            window.isBlind = true;
            window.EventSource = class extends EventSource {
              set onmessage(told) {
                super.onmessage = (event) => told(!window.isBlind ? event : new MessageEvent("message", {
                  data: event.data.replaceAll(/"power_w":[-+0-9.eE]+,?/g, "").replaceAll(/,}/g, "}") }));
              }
            };
            """
        try await browser.devTools("Page.addScriptToEvaluateOnNewDocument", ["source": .string(script)])
        try await browser.open(served.base)
        try await browser.expect("#total-kind", contains: "components")
        try await browser.expect("#meters-now td.number", matches: /–/)
        #expect(try await browser.text("#total") == "–")
        _ = try await browser.value("window.isBlind = false")
        try await browser.expect("#total", matches: /(≈ )?[0-9.]+ W/)
        _ = try await browser.value("window.isBlind = true")
        try await browser.expect("#total", matches: /no power/)
        #expect(try await browser.faults() == [])
        try await browser.close()
        try await served.stop()
    }

    @Test func withoutTheChartsLibraryItSaysSoAndShowsTheRest() async throws {
        let scratch = try Scratch()
        let served = try await Served(scratch)
        let browser = try await WebBrowser.window()
        try await browser.devTools("Network.enable", [:])
        try await browser.devTools("Network.setBlockedURLs", ["urls": .array([.string("*dygraph*")])])
        try await browser.open(served.base)
        try await browser.expect("#chart-note", contains: "sudo apt install libjs-dygraphs")
        try await browser.expect("#meters-now tbody", contains: " W")
        #expect(try await browser.count("#chart canvas") == 0)
        #expect(try await browser.faults() == [])
        try await browser.close()
        try await served.stop()
    }

    @Test func fitsEveryWindowByDayAndByNightAndForEveryReader() async throws {
        let scratch = try Scratch()
        let served = try await Served(scratch)
        #expect(try await scratch.start(small).status() == 0)
        // One that waits has a button beside it.
        let waiting = try await scratch.taskwatt("run", "tiny", "--idle-below", "0.1%", "--detach")
        #expect(waiting.status == 0, "\(waiting.error)")
        let browser = try await WebBrowser.window()
        var grounds: Set<String> = []
        for dark in [false, true] {
            for width in [360, 390, 768, 1280] as [Int64] {
                try await browser.show(width: width, dark: dark)
                try await browser.open(served.base)
                // All of it is there: what comes later may be what is too wide.
                for place in ["#rows", "#suites", "#windows", "#meters", "#meters-now", "#jobs"] {
                    try await browser.expect("\(place) table", count: 1)
                }
                try await browser.expect("#rows tbody", contains: "text classification")
                try await browser.expect("#meters tbody", contains: "estimate")
                // A phone's window grows with what is too wide: it is held against what was asked for.
                let over = try await browser.value("document.documentElement.scrollWidth - \(width)")
                #expect((over.integerValue ?? 99) <= 0, "\(width): \(over.text)")
                // A button's word stays on one line.
                let button = "document.querySelector('#jobs button')?.getClientRects()[0].height ?? 0"
                let height = try await browser.value(button).text
                #expect((Double(height) ?? 99) < 45, "\(width): \(height)")
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
        #expect(try await browser.isTrue("[...document.querySelectorAll('th')].every(one => one.textContent.trim())"))
        let ids = "[...document.querySelectorAll('[id]')].map(one => one.id)"
        #expect(try await browser.isTrue("(ids => new Set(ids).size === ids.length)(\(ids))"))
        // Nothing is fetched from elsewhere.
        let hosts =
            "[...new Set(performance.getEntriesByType('resource').map(one => new URL(one.name).origin))].join()"
        #expect(try await browser.value(hosts).text == served.base)
        #expect(try await browser.faults() == [])
        try await browser.close()
        try await served.stop()
    }
}
