import Core
import Foundation
import Host
import Suites
import TestSupport
import Testing

@testable import PluginHosting
@testable import Running

/// What a manifest allows a plugin of the machine.
@Suite("Limits of memory and CPUs", .serialized)
struct LimitTests {
    @Test("A plugin that uses too much memory is ended, in a child too", arguments: ["hoard", "hoard-in-child"])
    func memory(behaviour: String) async throws {
        let bench = try PluginBench(behaviour, limits: "{start_s: 300, prepare_s: 300, memory: 200MiB}")
        // It would sleep for an hour. A child is found when the processes are listed anew.
        let failure = try await bench.failure()
        #expect(failure.contains("over its limit of 200 MiB (limits.memory in its plugin.yaml)"), "\(failure)")
    }

    @Test("A plugin within its limit is left alone")
    func withinMemory() async throws {
        let bench = try PluginBench("slow", limits: "{start_s: 300, memory: 1GiB}")
        var entry = PluginBench.hostile
        entry.amount = .count(50)
        let outcome = try await bench.runner(PluginBench.suite([entry], repeats: 1)).run()
        #expect(outcome.failures == [])
    }

    @Test("Pages that processes share are counted once")
    func sharedMemory() throws {
        func stat(_ process: Int, session: Int, pages: Int) -> String {
            "\(process) (a) b) S 1 \(session) \(session) 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 0 0 \(pages) 0\n"
        }
        let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
        let machine = try TemporaryDirectory([
            "/proc/42/stat": stat(42, session: 42, pages: 1000), "/proc/43/stat": stat(43, session: 42, pages: 1000),
            "/proc/44/stat": stat(44, session: 44, pages: 1000),
            "/proc/42/smaps_rollup": "00-ff ---p\nRss: 9 kB\nPss:                 2000 kB\nPss_Dirty: 1 kB\n",
            "/proc/43/smaps_rollup": "00-ff ---p\nRss: 9 kB\nPss:                 2500 kB\n",
        ])
        func watch(_ limit: Int64) -> MemoryWatch { MemoryWatch(session: 42, limit: limit, host: machine.host) }
        #expect(watch(1).members() == [42, 43])
        #expect(watch(2000 * page).excess(of: [42, 43]) == nil)
        // Their resident sets are over it and their own pages are not.
        #expect(watch(4500 << 10).excess(of: [42, 43]) == nil)
        #expect(watch(4499 << 10).excess(of: [42, 43]) == 4500 << 10)
        // Where the kernel does not tell, the resident set counts.
        try machine.write("/proc/43/smaps_rollup", "")
        #expect(watch(1 << 20).excess(of: [42, 43]) == 2000 << 10 + 1000 * page)
    }

    @Test("A plugin runs on as many CPUs as it may")
    func cpus() async throws {
        let bench = try PluginBench("cpus", limits: "{start_s: 300, cpus: 1}")
        let outcome = try await bench.runner(PluginBench.suite([PluginBench.hostile], repeats: 1)).run()
        #expect(outcome.failures == [])
        #expect(bench.runs.last?.workload?.engine == "on 1 CPUs")
        #expect(bench.processes() == [])
    }

    @Test("Of the CPUs that may be used, one of each core comes before the second thread of any")
    func cpuSelection() throws {
        let machine = try TemporaryDirectory(["/proc/self/status": "Name: x\nCpus_allowed_list:\t1-3,6-7\n"])
        for (cpu, threads) in [(1, "1,5"), (2, "2,6"), (3, "3,7"), (6, "2,6"), (7, "3,7")] {
            try machine.write("/sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list", threads)
        }
        let selection = CPUSelection(host: machine.host)
        #expect(selection.list(1) == "1")
        #expect(selection.list(3) == "1,2,3")
        #expect(selection.list(4) == "1,2,3,6")
        #expect(selection.list(5) == nil)
        #expect(selection.list(99) == nil)
        #expect(CPUSelection(host: HostRoot(root: "/no/such/root")).list(1) == nil)
    }

    @Test("Sizes are read and shown with their units")
    func sizes() {
        #expect(MemorySize.bytes("8GiB") == 8 << 30)
        #expect(MemorySize.bytes("1.5 GB") == 1_500_000_000)
        #expect(MemorySize.bytes("4096") == 4096)
        #expect(MemorySize.bytes("12B") == 12)
        for wrong in ["", "GiB", "-1GiB", "0", "nan", "inf", "8 Gigs", "1e30TB", "8gib"] {
            #expect(MemorySize.bytes(wrong) == nil, "\(wrong)")
        }
        #expect(MemorySize.text(8 << 30) == "8 GiB")
        #expect(MemorySize.text(9_770_000_000) == "9.1 GiB")
        #expect(MemorySize.text(1023) == "1023 bytes")
        #expect(MemorySize.fileText(438_000_000) == "438 MB")
        #expect(MemorySize.fileText(1_240_000_000) == "1.2 GB")
    }
}
