import Foundation
import Glibc
import Testing

/// Schedules on the root of an image, with systemd's own programs; that a timer fires is shown on a real system.
@Suite(.serialized) struct ScheduleTests {
    private let scratch: Scratch
    private let image: String

    init() throws {
        scratch = try Scratch()
        image = "\(scratch.path)/image"
        let units = "\(image)/usr/lib/systemd/system"
        try FileManager.default.createDirectory(atPath: units, withIntermediateDirectories: true)
        for name in ["taskwatt-schedule@.timer", "taskwatt-schedule@.service", "taskwatt.service"] {
            let unit = try String(contentsOfFile: "\(Program.repository)/Systemd/\(name)", encoding: .utf8)
            try unit.write(toFile: "\(units)/\(name)", atomically: true, encoding: .utf8)
        }
    }

    private func schedule(_ arguments: String...) async throws -> Outcome {
        try await Program.run(
            [Program.taskwatt, "schedule"] + arguments + ["--root", image], environment: scratch.environment)
    }

    @Test func addMakesATimerAndRemoveLeavesNothing() async throws {
        let added = try await schedule(
            "add", "nightly", "--suite", "tiny", "--on-calendar", "Mon..Fri 02:00", "--idle-below", "5%",
            "--deadline", "4h", "--sessions", "3", "--persistent")
        #expect(added.status == 0, "\(added.error)")
        #expect(added.error == "taskwatt: nightly is scheduled\n")
        let link = "\(image)/etc/systemd/system/timers.target.wants/taskwatt-schedule@nightly.timer"
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: link).hasSuffix("taskwatt-schedule@.timer"))
        let dropIn = "\(image)/etc/systemd/system/taskwatt-schedule@nightly.timer.d/schedule.conf"
        let words = try String(contentsOfFile: dropIn, encoding: .utf8)
        #expect(words.contains("OnCalendar=Mon..Fri 02:00\nPersistent=yes\n"))

        let list = try await schedule("list", "--json")
        let all = try #require(try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
        #expect(all.count == 1)
        #expect(all[0]["name"] as? String == "nightly")
        #expect(all[0]["suite"] as? String == "tiny")
        #expect(all[0]["calendar"] as? String == "Mon..Fri 02:00")
        #expect(all[0]["persistent"] as? Bool == true)
        #expect(all[0]["idle_below"] as? Double == 0.05)
        #expect(all[0]["deadline_s"] as? Double == 14_400)
        #expect(all[0]["sessions"] as? Int == 3)

        let again = try await schedule("add", "nightly", "--suite", "tiny", "--on-calendar", "daily")
        #expect(again.status == 1 && again.error.contains("already; --force replaces it"), "\(again.error)")
        let other = try await schedule("add", "nightly", "--suite", "tiny", "--on-calendar", "daily", "--force")
        #expect(other.status == 0, "\(other.error)")
        #expect(try String(contentsOfFile: dropIn, encoding: .utf8).contains("OnCalendar=daily\nPersistent=no\n"))

        let removed = try await schedule("remove", "nightly")
        #expect(removed.status == 0 && removed.error.contains("nightly is removed"), "\(removed.error)")
        let left = try #require(FileManager.default.enumerator(atPath: "\(image)/etc")).allObjects
        #expect(left.compactMap { $0 as? String }.filter { $0.contains("nightly") }.isEmpty)
        let gone = try await schedule("remove", "nightly")
        #expect(gone.status == 64 && gone.error.contains("there is no schedule `nightly`"))
        #expect(try await schedule("list").error.contains("there is no schedule"))
    }

    @Test func whatATimerSubmitsRunsOnceAndItsResultIsListed() async throws {
        let suite = try scratch.write(
            "mine.yaml",
            """
            repeats: 2
            idle_s: 0
            runs: [{task: fill-mask, count: 5, parameters: {size: tiny}}]
            """)
        let added = try await schedule(
            "add", "lab", "--suite", suite, "--on-calendar", "hourly", "--idle-below", "100%")
        #expect(added.status == 0, "\(added.error)")
        try FileManager.default.removeItem(atPath: suite)
        let daemon = try await scratch.daemon()
        let first = try await schedule("submit", "lab")
        #expect(first.status == 0 && first.error.contains("job 1 of schedule lab is queued"), "\(first.error)")
        let second = try await schedule("submit", "lab")
        #expect(second.error.contains("and is not queued again"), "\(second.error)")
        let status = try await scratch.taskwatt("status")
        #expect(status.output.contains("job 1 of schedule lab: mine.yaml "), "\(status.output)")
        let isDone = try await eventually { try await schedule("list").output.contains("completed") }
        let list = try await schedule("list")
        #expect(isDone, "\(list.output)\(daemon.text)")
        #expect(list.output.contains("mine.yaml"))
        let table = try await scratch.taskwatt("table", "--format", "json")
        #expect(try Rows(table.output).rows.map(\.n) == [2])

        // One that waits can be taken back.
        #expect(try await schedule("submit", "lab").error.contains("job 2 of schedule lab is queued"))
        let cancelled = try await scratch.taskwatt("cancel", "2")
        #expect(cancelled.status == 0, "\(cancelled.error)")
        #expect(try await eventually { try await schedule("list").output.contains("cancelled") })
        let ended = try await scratch.taskwatt("cancel", "1")
        #expect(ended.status == 1 && ended.error.contains("has already ended: completed"), "\(ended.error)")
        let unknown = try await scratch.taskwatt("cancel", "77")
        #expect(unknown.status == 64 && unknown.error.contains("there is no job"))
        try await daemon.stop()
    }

    @Test func wrongWordsAreToldWithTheirRemedy() async throws {
        let usual = ["--suite", "tiny", "--on-calendar", "daily"]
        let cases: [(arguments: [String], status: Int32, says: String)] = [
            (["a b"] + usual, 64, "up to 40 letters, digits, `_` and `-`"),
            (["../x"] + usual, 64, "the name of a schedule"),
            (["n", "--suite", "tony", "--on-calendar", "daily"], 64, "did you mean `tiny`?"),
            (["n", "--suite", "tiny", "--on-calendar", "often"], 64, "--on-calendar `often`: Failed to parse"),
            (
                ["n", "--suite", "tiny", "--on-calendar", "2020-01-01"], 64,
                "that time is past"
            ),
            (["n", "--idle-below", "5"] + usual, 64, "must be a share from 0.1 % to 100 %, such as 5%"),
            (["n", "--deadline", "4 hours"] + usual, 64, "a time such as 90s, 30min, 4h or 2d"),
        ]
        for (arguments, status, says) in cases {
            let said = try await Program.run(
                [Program.taskwatt, "schedule", "add", "--root", image] + arguments,
                environment: scratch.environment)
            #expect(said.status == status, "\(arguments): \(said.error)")
            #expect(said.error.contains(says), "\(said.error)")
        }
        // Without the templates there is nothing to enable, and half of a schedule is not left behind.
        try FileManager.default.removeItem(atPath: "\(image)/usr")
        let failed = try await schedule("add", "n", "--suite", "tiny", "--on-calendar", "daily")
        #expect(failed.status == 1 && failed.error.contains("systemctl"), "\(failed.error)")
        #expect(!FileManager.default.fileExists(atPath: "\(image)/etc/taskwatt/schedules"))
        let none = try await schedule("submit", "nothing")
        #expect(none.status == 64 && none.error.contains("there is no schedule `nothing`"))
    }
}
