import Foundation
import Glibc
import Subprocess

/// The timers of systemd, by its own programs: systemctl(1) and systemd-analyze(1).
package struct SystemdTimers: Sendable {
    /// When a timer elapses next and has elapsed last, in seconds since 1970.
    package struct Times: Sendable, Hashable {
        package var next: Double?
        package var last: Double?
    }

    /// `/`, or the root of an image that is being made, where nothing runs.
    private let root: String

    package init(root: String = "/") { self.root = root }

    /// Whether this is a machine that systemd has started: sd_booted(3).
    package var isRunning: Bool { root == "/" && access("/run/systemd/system", F_OK) == 0 }

    /// Checks a calendar event.
    ///
    /// - Throws: `ScheduleProblem` with systemd's own words.
    package func check(calendar: String) async throws {
        let answer = try await Self.run("systemd-analyze", ["calendar", calendar])
        if !answer.isSuccess {
            let words = answer.error.isEmpty ? "it is not understood" : answer.error
            throw ScheduleProblem(
                "--on-calendar `\(calendar)`: \(words); it is a time as in `man systemd.time`, such as 'Mon..Fri 02:00', "
                    + "'hourly' or '*-*-01 03:30'")
        }
    }

    /// Has a timer wait, from now on and after every start of the machine.
    package func start(_ timer: String) async throws {
        guard isRunning else { return try await systemctl(["--root", root, "enable", timer]) }
        try await systemctl(["daemon-reload"])
        try await systemctl(["enable", timer])
        // One that waits already is to wait for its new time.
        try await systemctl(["restart", timer])
    }

    package func stop(_ timer: String) async throws {
        guard isRunning else { return try await systemctl(["--root", root, "disable", timer]) }
        try await systemctl(["disable", "--now", timer])
    }

    /// To be called once what was stopped is gone.
    package func reload() async throws {
        if isRunning { try await systemctl(["daemon-reload"]) }
    }

    /// - Returns: nothing known where systemd does not run.
    package func times(of timer: String) async throws -> Times {
        guard isRunning else { return Times() }
        let answer = try await Self.run(
            "systemctl",
            ["show", timer, "--timestamp=unix", "--property=NextElapseUSecRealtime,LastTriggerUSec"])
        var times = Times()
        for line in answer.output.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            // `@1764280800`; 0 or nothing for none.
            guard parts.count == 2, let time = Double(parts[1].drop { $0 == "@" }), time > 0 else { continue }
            if parts[0] == "NextElapseUSecRealtime" { times.next = time }
            if parts[0] == "LastTriggerUSec" { times.last = time }
        }
        return times
    }

    private func systemctl(_ arguments: [String]) async throws {
        let answer = try await Self.run("systemctl", ["--quiet"] + arguments)
        if !answer.isSuccess {
            throw ScheduleProblem("systemctl \(arguments.joined(separator: " ")) failed: \(answer.error)")
        }
    }

    private struct Answer {
        var isSuccess: Bool
        var output: String
        /// In one line.
        var error: String
    }

    private static func run(_ program: String, _ arguments: [String]) async throws -> Answer {
        do {
            let result = try await Subprocess.run(
                .name(program), arguments: Arguments(arguments),
                // Words that a test or a user can look up.
                environment: .inherit.updating(["LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"]), input: .none,
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            let error = result.standardError.split(whereSeparator: \.isNewline).joined(separator: "; ")
            return Answer(
                isSuccess: result.terminationStatus.isSuccess, output: result.standardOutput, error: error)
        } catch is SubprocessError {
            try Task.checkCancellation()
            throw ScheduleProblem(
                "\(program) is not there: schedules are timers of systemd, which this machine does not seem to have")
        }
    }
}
