import Core
import Foundation
import Testing

/// What the page shows of jobs and reports, and of a daemon that comes and goes.
@Suite(.serialized, .browser) struct PageJobTests {
    private let small = Scratch.small(repeats: 3, count: 50)
    private let endless = Scratch.small(repeats: 50_000)

    @Test func leadsToReportsForPeopleAndNowhereWhereThereIsNone() async throws {
        let scratch = try Scratch()
        let served = try await Served(scratch)
        #expect(try await scratch.start(small).status() == 0)
        // One that is cancelled in its first window has none.
        let suite = try scratch.write(
            "slow.yaml", "name: slow\nidle_s: 600\nruns: [{task: text-classification, parameters: {size: tiny}}]\n")
        let client = try scratch.start([suite])
        var suites: [SuiteRun] = []
        let isThere = try await eventually {
            suites = try decoded(try await served.curl("/v1/suite-runs").body)
            return suites.count == 2
        }
        #expect(isThere && suites.first?.suite == "slow")
        let browser = try await WebBrowser.window()
        try await browser.open(served.base)
        try await browser.expect("#suites tbody tr", contains: "not yet")
        client.send(SIGINT)
        _ = try await client.status()
        try await browser.expect("#suites tbody tr", contains: "no window")
        try await browser.expect("#suites a", count: 1)
        try await browser.expect("#jobs tbody tr", contains: "no window")
        try await browser.expect("#jobs a", count: 1)
        // The number of a window leads to it, in a report that people can read.
        try await browser.expect("#windows tbody tr", count: 3)
        let number = try await browser.text("#windows tbody th")
        try await browser.click("#windows tbody a")
        try await browser.expect("location.hash === '#run-\(number)'")
        try await browser.expect("document.querySelector('tr:target').closest('details').open")
        try await browser.expect("tr:target", contains: number)
        // Who comes by an old link is told so in words.
        let gone = try #require(suites.first).uuid
        try await browser.open("\(served.base)/v1/report?suite_run=\(gone)")
        try await browser.expect("main", contains: "there is nothing to report")
        try await browser.expect("getComputedStyle(document.querySelector('.warning')).borderLeftStyle === 'solid'")
        try await browser.click("main a")
        try await browser.expect("#host", matches: /.+/)
        #expect(try await browser.faults() == [])
        try await browser.close()
        try await served.stop()
    }

    private struct SuiteRun: Decodable {
        var uuid: String
        var suite: String
    }

    @Test func followsJobsForwardsOnlyAndKeepsThoseThatEnded() async throws {
        let scratch = try Scratch()
        let served = try await Served.withToken(scratch)
        let browser = try await WebBrowser.window()
        try await browser.open(served.base)
        try await browser.expect("#jobs", contains: "queue is empty")
        let watch = """
            (window.states = [], new MutationObserver(() => {
              const state = document.querySelector("#jobs tbody .badge")?.innerText;
              if (state && window.states.at(-1) !== state) window.states.push(state);
            }).observe(document.querySelector("#jobs"), { childList: true, subtree: true }))
            """
        _ = try await browser.value(watch)
        #expect(try await scratch.start(small).status() == 0)
        try await browser.expect("#jobs tbody tr", contains: "completed")
        try await browser.expect("#jobs a", count: 1)
        #expect(try await browser.value("window.states.join()").text == "queued,running,completed")
        // One waits for a machine that is more idle than this one: what it waits for is no word on the others.
        let body = #"{"suite": "tiny", "idle_below": 0.001}"#
        let answer = try await served.curl(
            "/v1/jobs", "--header", "Authorization: Bearer \(Served.token)", "--data", body)
        #expect(answer.status == 201, "\(answer.body)")
        try await browser.expect("#jobs tbody tr", contains: "waits for an idle machine")
        try await browser.expect("#jobs tbody", contains: "completed")
        #expect(try await browser.count("#jobs tbody tr") == 2)
        #expect(try await browser.faults() == [])
        try await browser.close()
        try await served.stop()
    }

    @Test func comesBackByItselfWhenTheDaemonDoes() async throws {
        let scratch = try Scratch()
        let served = try await Served(scratch)
        let port = try #require(served.base.split(separator: ":").last.flatMap { Int($0) })
        let browser = try await WebBrowser.window()
        try await browser.open(served.base)
        try await browser.expect("#total", contains: " W")
        try await browser.expect("document.querySelector('#connection').hidden")
        _ = try await browser.value("window.mark = 1")
        try await served.stop()
        try await browser.expect("#connection", contains: "trying again")
        let again = try await Served(scratch, port: port)
        try await browser.expect("document.querySelector('#connection').hidden")
        try await browser.moves("#meters-now td.number")
        #expect(try await browser.isTrue("window.mark === 1"))
        try await browser.close()
        try await again.stop()
    }

    @Test func whereItIsForReadingNothingCanBeCancelled() async throws {
        let scratch = try Scratch()
        let served = try await Served(scratch)
        let client = try scratch.start(endless)
        let browser = try await WebBrowser.window()
        try await browser.open(served.base)
        try await browser.showsRun(of: 1)
        try await browser.expect("#access", contains: "not allowed here")
        try await browser.expect("document.querySelector('#jobs button').disabled")
        try await browser.close()
        client.send(SIGINT)
        _ = try await client.status()
        try await served.stop()
    }
}
