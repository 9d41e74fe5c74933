package import API
package import Core
import Foundation
import Glibc
import Host
import Running
import Suites
import YAMLReading

/// The schedules of a machine, as files: what to run in `/etc/taskwatt/schedules`, and when in a drop-in of the timer
/// `taskwatt-schedule@NAME.timer`, an instance of the template that comes with the package (systemd.timer(5)).
package struct ScheduleDirectory: Sendable {
    /// `/`, or the root of an image that is being made.
    private let root: String

    package init(root: String = "/") { self.root = root == "/" ? "" : root }

    private var directory: String { "\(root)/etc/taskwatt/schedules" }
    private func settings(_ name: String) -> String { "\(directory)/\(name).yaml" }
    private func suite(_ name: String) -> String { "\(directory)/\(name).suite.yaml" }
    private func dropIn(_ name: String) -> String { "\(root)/etc/systemd/system/\(Self.timer(name)).d" }

    package static func timer(_ name: String) -> String { "taskwatt-schedule@\(name).timer" }

    package func contains(_ name: String) -> Bool { access(settings(name), F_OK) == 0 }

    /// All schedules, by name.
    ///
    /// - Parameter complain: gets one line of each that cannot be read.
    package func schedules(complain: (String) -> Void) -> [Schedule] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let names = files.filter { $0.hasSuffix(".yaml") && !$0.hasSuffix(".suite.yaml") }.map {
            String($0.dropLast(5))
        }
        return names.sorted().compactMap { name in
            do {
                return try schedule(name)
            } catch {
                complain("\(error)")
                return nil
            }
        }
    }

    package static func noSuch(_ name: String) -> UserError {
        UserError(.unknownName, "there is no schedule `\(name)`", remedy: "`taskwatt schedule list` has them")
    }

    /// - Throws: `UserError`, `YAMLProblem`.
    package func schedule(_ name: String) throws -> Schedule {
        guard Schedule.isName(name) else { throw UserError(.usage, Schedule.namesAre(not: name)) }
        guard let data = try? BoundedFile.data(settings(name), upTo: BoundedFile.text) else {
            throw Self.noSuch(name)
        }
        return try Schedule(name: name, text: String(decoding: data, as: UTF8.self), file: settings(name))
    }

    /// The text of a schedule's suite: its own copy, or one that ships, as it is today.
    ///
    /// - Throws: `SuiteError`, `YAMLProblem`.
    package func suiteText(of schedule: Schedule) throws -> String {
        if access(suite(schedule.name), F_OK) == 0 { return try SuiteFile.load(suite(schedule.name)).text }
        return try SuiteFile.load(schedule.suite).text
    }

    /// Writes a schedule, or replaces one.
    ///
    /// - Parameter suiteText: the suite of a user's own file; `nil` for one that ships.
    /// - Throws: `UserError`.
    package func write(_ schedule: Schedule, suiteText: String?) throws {
        do {
            let files = FileManager.default
            for path in [directory, dropIn(schedule.name)] {
                try files.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
            }
            try put(schedule.yaml, settings(schedule.name))
            if let suiteText {
                try put(suiteText, suite(schedule.name))
            } else if access(suite(schedule.name), F_OK) == 0 {
                try files.removeItem(atPath: suite(schedule.name))
            }
            // The template has no time of its own; an empty one would end a list that it might get.
            let timer = """
                # Made by `taskwatt schedule add`, which `taskwatt schedule remove \(schedule.name)` undoes.
                [Timer]
                OnCalendar=\(schedule.calendar)
                Persistent=\(schedule.isPersistent ? "yes" : "no")

                """
            try put(timer, "\(dropIn(schedule.name))/schedule.conf")
        } catch let problem as FileProblem {
            throw problem.userError.at("the schedule cannot be written")
        } catch {
            throw UserError(.failed, "the schedule cannot be written: \(error.localizedDescription)")
        }
    }

    /// The timer's service reads it as a user of its own.
    private func put(_ text: String, _ path: String) throws {
        try OpenDirectory(path.directoryPart).put(text.utf8, as: (path as NSString).lastPathComponent, mode: 0o644)
        // Whatever the umask is.
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    }

    /// - Throws: `UserError`.
    package func remove(_ name: String) throws {
        do {
            for path in [settings(name), suite(name), "\(dropIn(name))/schedule.conf"] where access(path, F_OK) == 0 {
                try FileManager.default.removeItem(atPath: path)
            }
        } catch {
            throw UserError(.failed, "the schedule cannot be removed: \(error.localizedDescription)")
        }
        // An administrator may have put more there, which stays.
        rmdir(dropIn(name))
        rmdir(directory)
    }
}
