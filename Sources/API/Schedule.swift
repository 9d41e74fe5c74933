import Core
import Foundation
import Running
import Suites
package import YAMLReading

/// A suite that is run again and again: what `taskwatt schedule add` keeps, and the timer's service submits.
package struct Schedule: Sendable, Hashable, Codable {
    package var name: String
    /// A suite that ships with Taskwatt, or the name of the user's file, which is kept beside the schedule.
    package var suite: String
    /// When: a calendar event of systemd.time(7).
    package var calendar: String
    /// Whether a time that passed while the machine was off is made up for at the next start: `Persistent=` of systemd.timer(5).
    package var isPersistent: Bool
    /// See `JobRequest.idleBelow`.
    package var idleBelow: Double?
    /// See `JobRequest.deadlineSeconds`.
    package var deadlineSeconds: Double?
    /// How often the suite is run each time, with its plugins started anew; `nil`: as often as it says.
    package var sessions: Int?

    package init(
        name: String, suite: String, calendar: String, isPersistent: Bool = false, idleBelow: Double? = nil,
        deadlineSeconds: Double? = nil, sessions: Int? = nil
    ) {
        self.name = name
        self.suite = suite
        self.calendar = calendar
        self.isPersistent = isPersistent
        self.idleBelow = idleBelow
        self.deadlineSeconds = deadlineSeconds
        self.sessions = sessions
    }

    enum CodingKeys: String, CodingKey {
        case name, suite, calendar, sessions
        case isPersistent = "persistent"
        case idleBelow = "idle_below"
        case deadlineSeconds = "deadline_s"
    }

    /// Whether it can be the instance of a unit and a file as it stands: systemd.unit(5) escapes nothing in it.
    package static func isName(_ text: String) -> Bool {
        text.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_-]{0,39}/) != nil
    }

    package static func namesAre(not text: String) -> String {
        "the name of a schedule must be up to 40 letters, digits, `_` and `-`, such as `nightly`, not `\(text)`"
    }

    /// A time such as `90s`, `30min`, `4h` or `2d` in seconds; `nil` where it is none, or longer than a job may wait.
    package static func seconds(_ text: String) -> Double? {
        DurationText.seconds(text).flatMap { SuiteOption.deadline.reason($0) == nil ? $0 : nil }
    }

    /// The calendar event of systemd.time(7) for every so often, from midnight on: a part of a day in whole hours, or a part of an hour in
    /// whole minutes; `nil` of any other time, which no event of a calendar has.
    package static func calendar(every text: String) -> String? {
        guard let seconds = DurationText.seconds(text), let minutes = Int(exactly: seconds / 60), minutes > 0 else {
            return nil
        }
        if minutes < 60 { return 60.isMultiple(of: minutes) ? "*-*-* *:0/\(minutes):00" : nil }
        guard minutes.isMultiple(of: 60), minutes <= 1440 else { return nil }
        let hours = minutes / 60
        if hours == 24 { return "*-*-* 00:00:00" }
        return 24.isMultiple(of: hours) ? "*-*-* 0/\(hours):00:00" : nil
    }

    /// What it asks of the queue.
    ///
    /// - Parameter suiteText: the suite itself.
    package func request(suiteText: String) -> JobRequest {
        var request = JobRequest(
            suite: suite, suiteText: suiteText, overrides: SuiteOverrides(), scope: nil, meters: [])
        request.idleBelow = idleBelow
        request.deadlineSeconds = deadlineSeconds
        request.overrides.sessions = sessions
        request.schedule = name
        return request
    }

    // MARK: Its file

    /// Reads what `yaml` writes.
    package init(name: String, text: String, file: String) throws(YAMLProblem) {
        let document = try YAMLReader(text: text, file: file)
        let fields = try document.mapping(keys: [
            "suite", "calendar", "persistent", "idle_below", "deadline", "sessions",
        ])
        guard let suite = fields["suite"], let calendar = fields["calendar"] else {
            throw document.problem("a schedule needs the keys `suite` and `calendar`")
        }
        self.init(name: name, suite: try suite.string(), calendar: try calendar.string())
        if let field = fields["persistent"] { isPersistent = try field.bool() }
        if let field = fields["idle_below"] {
            guard let share = SuiteOption.idleBelow.share(try field.string()) else {
                throw field.problem("`idle_below` \(SuiteOption.idleBelow.shareRule)")
            }
            idleBelow = share
        }
        if let field = fields["deadline"] {
            guard let seconds = Self.seconds(try field.string()) else {
                throw field.problem("`deadline` must be a time such as 30min, 4h or 2d, of 31 days at most")
            }
            deadlineSeconds = seconds
        }
        if let field = fields["sessions"] { sessions = try field.integer(SuiteOption.sessions.wholes) }
    }

    package var yaml: String {
        // A text of JSON is one of YAML too.
        func quoted(_ text: String) -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
        }
        var lines = [
            "# Made by `taskwatt schedule add`; `taskwatt schedule remove \(name)` removes it.",
            "suite: \(quoted(suite))", "calendar: \(quoted(calendar))", "persistent: \(isPersistent)",
        ]
        if let idleBelow { lines.append("idle_below: \(FigureText.short(idleBelow * 100, digits: 4))%") }
        if let deadlineSeconds { lines.append("deadline: \(DurationText.exact(deadlineSeconds))") }
        if let sessions { lines.append("sessions: \(sessions)") }
        return lines.joined(separator: "\n") + "\n"
    }
}
