import Foundation
import Host
import TestSupport
import Testing

@Suite("/proc/stat")
struct ProcStatTests {
    private func parse(_ text: String) -> ProcStat? { Array(text.utf8).withUnsafeBytes(ProcStat.init(firstLine:)) }

    @Test("Guest time is in user and nice already")
    func modern() throws {
        let stat = try #require(parse("cpu  100 20 30 4000 50 6 7 8 90 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n"))
        #expect(stat.busy == 100 + 20 + 30 + 6 + 7)
        #expect(stat.idle == 4050)
        #expect(stat.steal == 8)
        #expect(stat.total == 163 + 4050 + 8)
    }

    @Test("A kernel that tells less is read as far as it tells")
    func old() throws {
        let stat = try #require(parse("cpu 1 2 3 4\n"))
        #expect(stat.busy == 6 && stat.idle == 4 && stat.steal == 0)
    }

    @Test(
        "Anything else is none",
        arguments: ["", "cpu", "cpu ", "cpu  1 2 3\n", "cpu0 1 2 3 4\n", "intr 1 2 3 4 5\n", "CPU 1 2 3 4"])
    func none(_ text: String) { #expect(parse(text) == nil) }

    @Test("Of more fields than are known, the known ones count")
    func more() throws {
        let stat = try #require(parse("cpu 1 1 1 1 1 1 1 1 999 999 999 999 999"))
        #expect(stat.total == 8)
    }

    @Test("From the file, through the root")
    func file() throws {
        let tree = try TemporaryDirectory()
        let missing = #expect(throws: HostError.self) { try tree.host.procStat() }
        #expect(missing?.kind == .missing)
        try tree.write("/proc/stat", "something else entirely\n")
        let malformed = #expect(throws: HostError.self) { try tree.host.procStat() }
        #expect(malformed?.kind == .malformed("something else entir"))
        try tree.write("/proc/stat", "cpu  10 0 5 100 0 0 0 0 0 0\n")
        #expect(try tree.host.procStat().busy == 15)
        // This machine's own does not go back.
        let host = HostRoot()
        let before = try host.procStat()
        #expect(try host.procStat().total >= before.total)
    }

    @Test("Load averages")
    func load() throws {
        let tree = try TemporaryDirectory()
        try tree.write("/proc/loadavg", "0.52 1.58 12.00 1/467 12345\n")
        let load = try tree.host.procLoadavg()
        #expect(load.one == 0.52 && load.five == 1.58 && load.fifteen == 12)
        try tree.write("/proc/loadavg", "0.52 much\n")
        let error = #expect(throws: HostError.self) { _ = try tree.host.procLoadavg() }
        #expect(error?.kind == .malformed("0.52 much"))
    }
}
