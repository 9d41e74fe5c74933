import Core
import Testing

@testable import Exchange
@testable import Recording

@Suite("Suites that are chosen to be bundled")
struct BundleChoiceTests {
    private static func suite(
        _ number: Int, at time: Double = 1_764_000_000, name: String = "nightly", status: String = "completed",
        runs: Int = 3, source: RecordSource = .taskwatt
    ) -> SuiteRunSummary {
        SuiteRunSummary(
            uuid: "00000000-0000-4000-8000-00000000000\(number)", suite: name, machine: "host", startedAt: time,
            status: status, runs: runs, source: source)
    }

    @Test("Those since a time, the oldest first; what no bundle can hold is counted")
    func chosen() {
        let day = 86_400.0
        let listed = [
            Self.suite(5, at: 5 * day, status: "running"), Self.suite(4, at: 4 * day, runs: 0),
            Self.suite(3, at: 3 * day, status: "interrupted"), Self.suite(2, at: 2 * day),
            Self.suite(1, at: day), Self.suite(0, at: 0, source: .paper),
        ]
        let all = BundleChoice().chosen(of: listed)
        #expect(all.suites.map(\.startedAt) == [day, 2 * day, 3 * day] && all.leftOut == 3)
        let late = BundleChoice(since: 2 * day).chosen(of: listed)
        #expect(late.suites.map(\.startedAt) == [2 * day, 3 * day] && late.leftOut == 2)
        #expect(BundleChoice(since: 9 * day).chosen(of: listed).suites.isEmpty)
    }

    @Test("A file's name has the day, the suite and the UUID, and nothing that a file system does not take")
    func fileNames() {
        let plain = BundleChoice.fileName(of: Self.suite(1), isRedacted: false)
        #expect(plain == "2025-11-24-nightly-00000000-0000-4000-8000-000000000001.tar.zst")
        let wild = Self.suite(1, name: "../é\n" + String(repeating: "x", count: 300))
        let name = BundleChoice.fileName(of: wild, isRedacted: false)
        #expect(name.utf8.count < 255 && !name.contains("/") && name.utf8.allSatisfy { $0 > 32 && $0 < 127 })
        #expect(!BundleChoice.fileName(of: Self.suite(1), isRedacted: true).contains("nightly"))
        let names = [0, 1].map { BundleChoice.fileName(of: Self.suite($0), isRedacted: false) }
        #expect(names[0] != names[1])
    }
}
