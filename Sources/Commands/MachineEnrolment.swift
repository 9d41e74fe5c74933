import Core
import Exchange
import Fetching
import Forwarding
import Foundation
import Glibc
package import Host

/// `taskwatt enroll`: makes this machine known to a collector, and keeps the token that it gets.
package struct MachineEnrolment: Sendable {
    private let url: String
    private let caFile: String?
    private let tokenFile: String
    private let owner: String?
    /// Whether the service of this machine is to send to it.
    private let isOfService: Bool
    private let existing: OutputFile.Existing

    private static let longestToken = 1024

    /// - Parameters:
    ///   - caFile: certificates to verify the collector with; `nil` for the system's.
    ///   - tokenFile: to write; `nil` for that of the service, which is set up to send to the collector.
    ///   - owner: who may read it; `nil` for this user, or the service.
    package init(url: String, caFile: String?, tokenFile: String?, owner: String?, existing: OutputFile.Existing) {
        (self.url, self.caFile, self.existing) = (url, caFile, existing)
        self.tokenFile = tokenFile ?? ServiceEnrolment.tokenFile
        self.owner = owner ?? (tokenFile == nil ? ServiceEnrolment.user : nil)
        isOfService = tokenFile == nil
    }

    /// - Parameter readLine: reads the token of one use.
    /// - Returns: in words, by which name the collector knows the machine, and what is where now.
    /// - Throws: `UserError`, `HTTPFailure`, `FileProblem`.
    package func run(readLine: () -> String?) async throws -> String {
        guard let url = CollectorAddress.url(url) else {
            throw UserError(
                .usage, "`\(url)` is not the address of a collector",
                remedy: "write it as https://collector.example:9121; http is for this machine alone")
        }
        if let caFile, !HTTPCall.TLS.holdsCertificates(caFile) {
            throw UserError(
                .usage, "\(caFile) holds no certificate in PEM", remedy: "name the file with the authority's")
        }
        let service = isOfService ? ServiceEnrolment(url: url, caFile: caFile) : nil
        try service?.check()
        let account = try owner.map(Self.account)
        // A place that cannot be written is said before the token is used up.
        let output = try OutputFile(tokenFile, existing, isPrivate: true)
        let address = CollectorAddress(url: url, tls: HTTPCall.TLS(caFile: caFile))
        let host = ProcessInfo.processInfo.hostName
        let pseudonym = try Redaction.ofThisMachine().machine(host)
        let answer = try await Enrolment.ask(
            HTTPClient(), address,
            Enrolment.Request(token: try Self.token(readLine()), machines: [host, pseudonym]))
        try output.write(Array("\(answer.token)\n".utf8))
        try output.finish()
        if let account, chown(tokenFile, account.user, account.group) != 0 {
            throw UserError(
                .failed, "\(tokenFile) cannot be given to \(owner ?? ""): \(String(cString: strerror(errno)))",
                remedy: "it is written; run chown as root")
        }
        let name = "enrolled as \(PrintableText.of(answer.name))"
        guard let service else { return "\(name); the token is in \(tokenFile)" }
        try service.write()
        let isRestarted = try await service.restart()
        return "\(name), and the service sends to it" + (isRestarted ? "" : " once it is restarted")
    }

    private static func account(_ name: String) throws -> (user: uid_t, group: gid_t) {
        guard let entry = getpwnam(name) else {
            throw UserError(.usage, "there is no user `\(name)`", remedy: "create it first, or leave --owner out")
        }
        return (entry.pointee.pw_uid, entry.pointee.pw_gid)
    }

    private static func token(_ line: String?) throws -> String {
        let token = (line ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...longestToken).contains(token.utf8.count) else {
            throw UserError(
                .usage, "standard input holds no token",
                remedy: "`taskwatt collect enroll NAME` on the collector prints one")
        }
        return token
    }
}
