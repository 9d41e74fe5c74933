import Core
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
    /// - Throws: `UserError` with systemd's own words.
    package func check(calendar: String) async throws {
        let answer = try await Self.run("systemd-analyze", ["calendar", calendar])
        if !answer.isSuccess {
            let words = answer.error.isEmpty ? "it is not understood" : answer.error
            throw UserError(
                .usage, "--on-calendar `\(calendar)`: \(words)",
                remedy: "write a time as in `man systemd.time`, such as 'Mon..Fri 02:00', 'hourly' or '*-*-01 03:30'")
        }
        if answer.output.contains("Next elapse: never") {
            throw UserError(.usage, "--on-calendar `\(calendar)`: that time is past")
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
        // When it elapsed last is kept of a persistent one; of that name's next it would be no truth.
        try? await systemctl(["clean", "--what=state", timer])
    }

    /// Has a service that runs begin again, with what is written for it now.
    package func restart(_ service: String) async throws {
        try await systemctl(["daemon-reload"])
        try await systemctl(["try-restart", service])
    }

    /// To be called once what was stopped is gone.
    package func reload() async throws {
        if isRunning { try await systemctl(["daemon-reload"]) }
    }

    /// - Returns: nothing known where systemd does not run.
    package func times(of timer: String) async throws -> Times {
        guard isRunning else { return Times() }
        // Not of `systemctl show --timestamp=unix`, which systemd 252 does not heed for the next time of a timer.
        let answer = try await Self.run("systemctl", ["list-timers", "--all", "--output=json", timer])
        return Self.times(ofListing: answer.output)
    }

    /// Of the one timer in a listing in JSON, in microseconds since 1970; 0 or nothing for none.
    static func times(ofListing json: String) -> Times {
        struct Line: Decodable {
            var next: Double?
            var last: Double?
        }
        let line = (try? JSONDecoder().decode([Line].self, from: Data(json.utf8)))?.first
        func seconds(_ microseconds: Double?) -> Double? {
            microseconds.flatMap { $0 > 0 && $0 < 1e18 ? $0 / 1e6 : nil }
        }
        return Times(next: seconds(line?.next), last: seconds(line?.last))
    }

    private func systemctl(_ arguments: [String]) async throws {
        let answer = try await Self.run("systemctl", ["--quiet"] + arguments)
        if !answer.isSuccess {
            throw UserError(
                .failed, "systemctl \(arguments.joined(separator: " ")) failed: \(answer.error)",
                remedy: answer.error.contains("does not exist")
                    ? "install the package's units there, with the same --root" : "`journalctl -xe` may say more")
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
            throw UserError(
                .unavailable,
                "\(program) is not there: schedules are timers of systemd, which this machine does not seem to have")
        }
    }
}
