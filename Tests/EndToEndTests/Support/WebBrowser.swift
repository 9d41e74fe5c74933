import Core
import Foundation
import Testing

/// A real browser without a window that is clicked through: Chromium by its driver, which speaks WebDriver (W3C) and, for what
/// that does not have, Chromium's own protocol. `.ci/deps --test` installs both.
final class WebBrowser: Sendable {
    private let driver: Background
    private let session: String
    /// The window that it began with, which stays.
    private let first: String

    init(_ scratch: Scratch) async throws {
        let driver = try Background(
            ["/usr/bin/env", "chromedriver", "--port=0"], environment: ["HOME": scratch.path],
            log: "\(scratch.path)/driver-\(UUID().uuidString.prefix(4)).log")
        self.driver = driver
        _ = try await eventually { driver.text.contains("successfully on port") || !driver.isRunning }
        let match = try #require(
            driver.text.firstMatch(of: /successfully on port (\d+)/),
            "chromedriver does not start; is it there? `.ci/deps --test` installs it: \(driver.text)")
        let root = "http://127.0.0.1:\(match.1)/session"
        let flags = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--no-first-run", "--window-size=1280,1000",
            "--user-data-dir=\(scratch.path)/profile-\(UUID().uuidString)",
        ]
        let wanted: JSONValue = .object([
            "browserName": .string("chrome"), "goog:loggingPrefs": .object(["browser": .string("ALL")]),
            "goog:chromeOptions": .object(["args": .array(flags.map(JSONValue.string))]),
        ])
        let answer = try await Self.ask(
            root, ["capabilities": .object(["alwaysMatch": wanted])], wait: 180)
        guard case .object(let value) = answer, let id = value["sessionId"]?.stringValue else {
            throw Failure(description: "chromium does not start: \(answer.text)")
        }
        session = "\(root)/\(id)"
        first = try await Self.ask("\(session)/window", nil, method: "GET").text
    }

    deinit { driver.send(SIGTERM) }

    /// The browser of the suite that runs.
    @TaskLocal static var current: WebBrowser?

    /// A new window of the suite's browser, which knows nothing of those before it.
    static func window() async throws -> WebBrowser {
        let browser = try #require(current, "the suite has the trait `.browser`")
        let answer = try await browser.ask("window/new", ["type": .string("window")])
        guard case .object(let value) = answer, let handle = value["handle"]?.stringValue else {
            throw Failure(description: "there is no new window: \(answer.text)")
        }
        _ = try await browser.ask("window", ["handle": .string(handle)])
        // What the windows before have said is not this one's.
        _ = try await browser.console()
        return browser
    }

    struct Failure: Error, CustomStringConvertible { var description: String }

    func open(_ address: String) async throws { _ = try await ask("url", ["url": .string(address)]) }

    /// Closes the window.
    func close() async throws {
        _ = try await Self.ask("\(session)/window", nil, method: "DELETE")
        _ = try await ask("window", ["handle": .string(first)])
    }

    /// Ends the browser; its driver goes with the value.
    func end() async throws { _ = try await Self.ask(session, nil, method: "DELETE") }

    /// What an expression of JavaScript comes to in the page.
    func value(_ expression: String) async throws -> JSONValue {
        try await ask("execute/sync", ["script": .string("return \(expression)"), "args": .array([])])
    }

    func text(_ selector: String) async throws -> String {
        try await value("document.querySelector(\(quoted(selector)))?.innerText ?? ''").text
    }

    func count(_ selector: String) async throws -> Int {
        Int(try await value("document.querySelectorAll(\(quoted(selector))).length").integerValue ?? -1)
    }

    func isTrue(_ expression: String) async throws -> Bool { try await value("!!(\(expression))") == .bool(true) }

    /// Clicks as a mouse does: what is covered or not to be seen cannot be clicked.
    func click(_ selector: String) async throws { _ = try await ask("\(try await element(selector))/click", [:]) }

    func type(_ text: String, into selector: String) async throws {
        _ = try await ask("\(try await element(selector))/value", ["text": .string(text)])
    }

    /// Waits until a text is in an element.
    func expect(
        _ selector: String, contains words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await expect(selector, "has no `\(words)`", sourceLocation) { $0.contains(words) }
    }

    /// Waits until an element's whole text is as a pattern has it: a figure that is not there at first, and moves.
    func expect<Output>(
        _ selector: String, matches pattern: Regex<Output>,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await expect(selector, "does not match", sourceLocation) {
            $0.wholeMatch(of: pattern) != nil
        }
    }

    private func expect(
        _ selector: String, _ complaint: String, _ sourceLocation: SourceLocation,
        _ isRight: (String) -> Bool
    ) async throws {
        // What is shown moves: the text that is judged last is the one that is told of.
        var last = ""
        let isSo = try await eventually {
            last = try await self.text(selector)
            return isRight(last)
        }
        if !isSo { Issue.record("\(selector) \(complaint): \(last)", sourceLocation: sourceLocation) }
    }

    /// Waits until there are so many elements.
    func expect(
        _ selector: String, count: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var last = 0
        let isSo = try await eventually {
            last = try await self.count(selector)
            return last == count
        }
        if !isSo { Issue.record("there are \(last) of \(selector), not \(count)", sourceLocation: sourceLocation) }
    }

    /// Waits until an expression of JavaScript is true in the page.
    func expect(
        _ expression: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let isSo = try await eventually { try await self.isTrue(expression) }
        if !isSo { Issue.record("it is not so: \(expression)", sourceLocation: sourceLocation) }
    }

    /// A command of the DevTools protocol.
    func devTools(_ command: String, _ parameters: [String: JSONValue]) async throws {
        _ = try await ask("goog/cdp/execute", ["cmd": .string(command), "params": .object(parameters)])
    }

    /// The window as of a device so wide, by day or by night.
    func show(width: Int64, height: Int64 = 900, dark: Bool) async throws {
        try await devTools(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .integer(width), "height": .integer(height), "deviceScaleFactor": .integer(1),
                "mobile": .bool(width < 600),
            ])
        let scheme: JSONValue = .object([
            "name": .string("prefers-color-scheme"), "value": .string(dark ? "dark" : "light"),
        ])
        try await devTools("Emulation.setEmulatedMedia", ["features": .array([scheme])])
    }

    /// The whole page as a PNG.
    func picture() async throws -> Data {
        let answer = try await ask(
            "goog/cdp/execute",
            [
                "cmd": .string("Page.captureScreenshot"),
                "params": .object(["captureBeyondViewport": .bool(true), "format": .string("png")]),
            ])
        guard case .object(let value) = answer, let data = value["data"]?.stringValue else { return Data() }
        return Data(base64Encoded: data) ?? Data()
    }

    /// What the console has said since the last call.
    func console() async throws -> [String] {
        guard case .array(let entries) = try await ask("se/log", ["type": .string("browser")]) else { return [] }
        return entries.map(\.text)
    }

    // MARK: WebDriver

    /// The key of an element's id: WebDriver, section 12.
    private static let elementKey = "element-6066-11e4-a52e-4f735466cecf"

    private func element(_ selector: String) async throws -> String {
        let answer = try await ask("element", ["using": .string("css selector"), "value": .string(selector)])
        guard case .object(let value) = answer, let id = value[Self.elementKey]?.stringValue else {
            throw Failure(description: "there is no \(selector)")
        }
        return "element/\(id)"
    }

    private func quoted(_ text: String) -> String {
        String(decoding: (try? JSONEncoder().encode(text)) ?? Data(), as: UTF8.self)
    }

    private func ask(_ path: String, _ body: [String: JSONValue]) async throws -> JSONValue {
        try await Self.ask("\(session)/\(path)", body)
    }

    private static func ask(
        _ address: String, _ body: [String: JSONValue]?, method: String = "POST", wait: Int = 180
    ) async throws -> JSONValue {
        var command = ["curl", "--silent", "--show-error", "--max-time", "\(wait)", "--request", method, address]
        if let body { command += ["--data", String(decoding: try JSONEncoder().encode(body), as: UTF8.self)] }
        let outcome = try await Program.run(command)
        guard
            case .object(let answer)? = try? JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8)),
            let value = answer["value"]
        else { throw Failure(description: "the driver does not answer: \(outcome.error)\(outcome.output.prefix(300))") }
        if case .object(let fault) = value, let error = fault["error"]?.stringValue {
            throw Failure(
                description: "\(address.split(separator: "/").last ?? ""): \(error): \(fault["message"]?.text ?? "")")
        }
        return value
    }
}

/// One browser for all tests of a suite, which run one after the other.
struct BrowserTrait: SuiteTrait, TestScoping {
    @concurrent func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        let browser = try await WebBrowser(scratch)
        try await WebBrowser.$current.withValue(browser) { try await function() }
        try await browser.end()
    }
}

extension Trait where Self == BrowserTrait {
    static var browser: Self { Self() }
}
