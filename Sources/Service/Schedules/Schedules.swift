package import API
package import Core
import Foundation
import Glibc
package import PluginHosting
import Running
import Suites

/// The schedules of a machine with the timers that run them.
package struct Schedules: Sendable {
    private let root: String
    package let directory: ScheduleDirectory
    private let timers: SystemdTimers

    /// - Parameter root: `/`, or the root of an image that is being made.
    package init(root: String = "/") {
        self.root = root
        directory = ScheduleDirectory(root: root)
        timers = SystemdTimers(root: root)
    }

    /// What only root may do is refused before half of it is done.
    ///
    /// - Parameter command: which the administrator types instead.
    /// - Throws: `UserError`.
    package func requireRoot(_ command: String) throws(UserError) {
        guard root == "/", geteuid() != 0 else { return }
        throw UserError(.failed, "only the administrator may change timers: sudo taskwatt schedule \(command)")
    }

    /// Adds a schedule, or replaces one, and starts its timer.
    ///
    /// - Parameters:
    ///   - schedule: whose suite is as the user names it, a file or one that ships.
    ///   - plugins: the daemon's.
    /// - Returns: when it runs next, in seconds since 1970.
    /// - Throws: `UserError`; `SuiteError`, `YAMLProblem` and `PluginError` of its suite.
    package func add(_ schedule: Schedule, replaces: Bool, plugins: PluginCatalogue) async throws -> Double? {
        let name = schedule.name
        guard Schedule.isName(name) else {
            throw UserError(.usage, Schedule.namesAre(not: name))
        }
        try requireRoot("add …")
        let isNew = !directory.contains(name)
        guard replaces || isNew else {
            throw UserError(.failed, "the schedule `\(name)` exists already", remedy: "--force replaces it")
        }
        let (suite, text) = try SuiteFile.load(schedule.suite)
        // Not the user's own plugins: they are not the daemon's.
        try plugins.check(suite)
        try await timers.check(calendar: schedule.calendar)
        guard timers.isRunning || root != "/" else {
            throw UserError(
                .unavailable, "systemd does not run here, and schedules are its timers",
                remedy: "--root writes to a system image")
        }
        let isShipped = SuiteFile.shipped.contains(schedule.suite)
        var kept = schedule
        if !isShipped { kept.suite = (schedule.suite as NSString).lastPathComponent }
        try directory.write(kept, suiteText: isShipped ? nil : text)
        do {
            try await timers.start(ScheduleDirectory.timer(name))
        } catch {
            // Half a schedule would be in the way of the next try.
            if isNew { try? directory.remove(name) }
            throw error
        }
        return try await next(name)
    }

    /// All of them, with what their timers and their last jobs say.
    ///
    /// - Parameters:
    ///   - complain: gets one line of each that cannot be read.
    ///   - last: asks for the last job of one.
    package func statuses(
        complain: (String) -> Void, last: (String) async throws -> JobStatus?
    ) async throws -> [ScheduleStatus] {
        var statuses: [ScheduleStatus] = []
        for schedule in directory.schedules(complain: complain) {
            statuses.append(
                ScheduleStatus(schedule, next: try await next(schedule.name), last: try await last(schedule.name)))
        }
        return statuses
    }

    /// When a schedule runs next, in seconds since 1970.
    private func next(_ name: String) async throws -> Double? {
        try await timers.times(of: ScheduleDirectory.timer(name)).next
    }

    /// Stops the timer of a schedule, and removes it.
    package func remove(_ name: String) async throws {
        try requireRoot("remove \(name)")
        guard Schedule.isName(name), directory.contains(name) else {
            throw ScheduleDirectory.noSuch(name)
        }
        try await timers.stop(ScheduleDirectory.timer(name))
        try directory.remove(name)
        try await timers.reload()
    }
}

/// A schedule with what its timer and its last job say, in JSON.
package struct ScheduleStatus: Encodable, Sendable {
    package var schedule: Schedule
    /// Seconds since 1970.
    package var next: Double?
    package var last: JobStatus?

    package init(_ schedule: Schedule, next: Double?, last: JobStatus?) {
        self.schedule = schedule
        self.next = next
        self.last = last
    }

    enum CodingKeys: String, CodingKey {
        case last
        case next = "next_unix_s"
    }

    package func encode(to encoder: any Encoder) throws {
        try schedule.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(next, forKey: .next)
        try container.encodeIfPresent(last, forKey: .last)
    }
}
