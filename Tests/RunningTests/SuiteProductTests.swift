import Core
import Foundation
import Testing

@testable import Running
@testable import Suites

/// What a suite comes to is counted before it is made.
@Suite("Products of suites", .timeLimit(.minutes(1)))
struct SuiteProductTests {
    private func suite(entries: Int, repeats: Int = 1, sessions: Int = 1) -> Suite {
        Suite(
            name: "s", repeats: repeats, sessions: sessions,
            entries: Array(repeating: Suite.Entry(task: .fillMask, amount: .count(1)), count: entries))
    }

    private func overrides(tasks: Int) -> SuiteOverrides {
        var overrides = SuiteOverrides()
        overrides.tasks = Array(repeating: .fillMask, count: tasks)
        return overrides
    }

    private func refused(_ suite: Suite, _ overrides: SuiteOverrides = SuiteOverrides()) -> String? {
        do throws(SuiteError) {
            _ = try suite.applying(overrides)
            return nil
        } catch {
            return error.description
        }
    }

    /// 120 KB of request, of which 64 million entries were made.
    @Test func tasksTimesEntries() throws {
        let text = try #require(refused(suite(entries: 8000), overrides(tasks: 8000)))
        #expect(text.contains("64000000") && text.contains("\(SuiteProduct.mostEntries)"))
    }

    @Test func entriesUpToTheBound() throws {
        let (rows, times) = (SuiteProduct.mostEntries / 100, 100)
        #expect(try suite(entries: rows).applying(overrides(tasks: times)).entries.count == SuiteProduct.mostEntries)
        #expect(refused(suite(entries: rows + 1), overrides(tasks: times)) != nil)
        #expect(refused(suite(entries: SuiteProduct.mostEntries + 1)) != nil)
    }

    /// Tasks that the suite does not have are entries too.
    @Test func strangeTasks() {
        var overrides = SuiteOverrides()
        overrides.tasks = (0...SuiteProduct.mostEntries).map { MLTask(rawValue: "task-\($0)") }
        #expect(refused(suite(entries: 1), overrides) != nil)
        overrides.tasks.removeLast()
        #expect(refused(suite(entries: 1), overrides) == nil)
    }

    @Test func repeatsTimesSessions() {
        let sessions = 1000
        let repeats = SuiteProduct.mostWindows / sessions
        #expect(refused(suite(entries: 1, repeats: repeats, sessions: sessions)) == nil)
        #expect(refused(suite(entries: 1, repeats: repeats + 1, sessions: sessions)) != nil)
        #expect(refused(suite(entries: 2, repeats: repeats, sessions: sessions)) != nil)
        var overrides = SuiteOverrides()
        overrides.sessions = sessions
        overrides.untilCI = 0.01
        overrides.maxRepeats = repeats
        #expect(refused(suite(entries: 1), overrides) == nil)
        overrides.maxRepeats = repeats + 1
        #expect(refused(suite(entries: 1), overrides) != nil)
        // Numbers whose product is none.
        #expect(refused(suite(entries: 2, repeats: .max, sessions: .max)) != nil)
    }

    @Test func parametersTimesEntries() {
        var overrides = SuiteOverrides()
        overrides.parameters = ["text": .string(String(repeating: "x", count: 100_000))]
        #expect(refused(suite(entries: 100), overrides) == nil)
        #expect(refused(suite(entries: 200), overrides) != nil)
        overrides.parameters = [:]
        overrides.model = String(repeating: "m", count: 100_000)
        #expect(refused(suite(entries: 200), overrides) != nil)
    }

    @Test(arguments: SuiteFile.shipped) func whatShipsIsFarBelow(_ name: String) throws {
        let product = try SuiteFile.load(name).suite.product()
        #expect(product.entries * 10 < SuiteProduct.mostEntries && product.windows * 10 < SuiteProduct.mostWindows)
    }
}
