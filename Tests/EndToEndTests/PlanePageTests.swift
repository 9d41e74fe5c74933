import Core
import Foundation
import Testing

/// The plane on the daemon's page, explored by keyboard alone.
@Suite(.serialized, .browser) struct PlanePageTests {
    // Keys of WebDriver, section 17.4.2.
    private static let (home, right, end) = ("\u{E011}", "\u{E014}", "\u{E010}")

    @Test func classesAndYearsByKeyboard() async throws {
        let scratch = try Scratch()
        let served = try await Served.withToken(scratch)
        let browser = try await WebBrowser.window()
        try await browser.open(served.base)
        // There is no run yet, and the published parts are there.
        try await browser.expect("#year-text", matches: /all years: \d+ parts/)
        let all = try await Self.parts(browser)
        #expect(all > 50)
        try await browser.expect("#plane-part .mark.ours", count: 3)  // of the legend alone

        // A class is switched off and on by the space bar.
        try await browser.type(" ", into: "#plane-part .switch-fpga")
        try await browser.expect(Self.isHidden(".of-fpga"))
        let without = try await Self.parts(browser)
        #expect(without < all)
        try await browser.expect("#plane-part .switch-fpga:focus", count: 1)
        try await browser.type(" ", into: "#plane-part .switch-fpga")
        try await browser.expect("#year-text", contains: "\(all) parts")

        // The years by the keys of a slider, which says where it is.
        try await browser.type(Self.home, into: "#year")
        try await browser.expect("#year-text", matches: /20\d\d: \d+ parts?, \d+ new/)
        let first = try await Self.parts(browser)
        try await browser.type(Self.right + Self.right, into: "#year")
        try await browser.expect(
            "document.querySelector('#year-text').innerText.startsWith(`${Number(document.querySelector('#year').min) + 2}:`)"
        )
        #expect(try await Self.parts(browser) > first)
        try await browser.expect("document.querySelector('#year').getAttribute('aria-valuetext').includes('new')")
        try await browser.type(Self.end, into: "#year")
        #expect(try await Self.parts(browser) == all)
        try await browser.expect("document.querySelectorAll('#plane-part .past').length > 50")

        // It plays from the first year on, and stops when it is told to.
        try await browser.type("\u{E007}", into: "#play")
        try await browser.expect("#play", contains: "Pause")
        try await browser.type("\u{E007}", into: "#play")
        try await browser.expect("#play", contains: "Play")
        try await browser.click("#all-years")
        try await browser.expect("#year-text", contains: "all years")
        try await browser.expect("#plane-part .past", count: 0)
        #expect(try await browser.faults() == [])
        try await browser.close()
        try await served.stop()
    }

    /// What the page says that it shows.
    private static func parts(_ browser: WebBrowser) async throws -> Int {
        Int(try await browser.text("#year-text").firstMatch(of: /(\d+) parts?/)?.1 ?? "-1") ?? -1
    }

    private static func isHidden(_ selector: String) -> String {
        "[...document.querySelectorAll('#plane-part \(selector)')].every((one) => getComputedStyle(one).display === 'none')"
    }
}
