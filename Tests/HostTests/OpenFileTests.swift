import Foundation
import Host
import TestSupport
import Testing

@Suite("Files that stay open")
struct OpenFileTests {
    private let tree: TemporaryDirectory

    init() throws { tree = try TemporaryDirectory() }

    private func read(_ text: String) throws -> Result<Int64, HostError> {
        try tree.write("/sys/energy_uj", text)
        let counter = try tree.host.openCounter("/sys/energy_uj")
        do throws(HostError) { return .success(try counter.read()) } catch { return .failure(error) }
    }

    @Test(
        "A counter's number is that of its first line",
        arguments: [
            ("0\n", 0), ("262143328850\n", 262_143_328_850), ("-17\n", -17), ("5", 5), ("1\n2\n", 1), ("12\0\0", 12),
            ("9223372036854775807\n", .max), ("007\n", 7),
        ] as [(String, Int64)])
    func number(_ text: String, _ value: Int64) throws {
        #expect(try read(text).get() == value)
    }

    @Test(
        "Anything else is malformed and never a number",
        arguments: [
            "", "\n", "-\n", "--5\n", "zebra\n", "12 34\n", "1.5\n", "0x10\n", " 5\n", "9223372036854775808\n",
            "99999999999999999999999999\n", "5-\n",
        ])
    func malformed(_ text: String) throws {
        let result = try read(text)
        guard case .failure(let error) = result, case .malformed = error.kind else {
            Issue.record("read \(result)")
            return
        }
        #expect(error.path == "/sys/energy_uj")
    }

    @Test("Each reading is from the file's start, and new")
    func again() throws {
        try tree.write("/sys/energy_uj", "1\n")
        let counter = try tree.host.openCounter("/sys/energy_uj")
        #expect(try counter.read() == 1)
        #expect(try counter.read() == 1)
        let handle = try #require(FileHandle(forWritingAtPath: tree.path + "/sys/energy_uj"))
        try handle.write(contentsOf: Data("2500\n".utf8))
        try handle.close()
        #expect(try counter.read() == 2500)
    }

    @Test("What cannot be opened or read says why")
    func failures() throws {
        do {
            _ = try tree.host.openCounter("/sys/nothing")
            Issue.record("opened a file that is not there")
        } catch {
            #expect(error.kind == .missing)
        }
        // A directory opens, and fails to be read, for root too.
        try tree.directory("/sys/directory")
        let counter = try tree.host.openCounter("/sys/directory")
        let error = #expect(throws: HostError.self) { try counter.read() }
        #expect(error?.errno == EISDIR)
        let text = try tree.host.openText("/sys/directory")
        let other = #expect(throws: HostError.self) { try text.read { $0.count } }
        #expect(other?.errno == EISDIR)
    }

    @Test("A text's first 4 KiB are handed on")
    func text() throws {
        try tree.write("/proc/stat", String(repeating: "a", count: 5000))
        let file = try tree.host.openText("/proc/stat")
        #expect(try file.read { $0.count } == 4096)
        try tree.write("/proc/empty", "")
        let empty = try tree.host.openText("/proc/empty")
        #expect(try empty.read { $0.count } == 0)
    }
}
