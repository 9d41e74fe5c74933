import ArgumentParser
import Commands
import Core
import Exchange
import Fetching
import Forwarding
import Foundation
import Glibc
import Host
import Terminal

struct Enroll: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll",
        abstract: "Make this machine known to a collector.",
        discussion: """
            Reads the token that `taskwatt collect enroll` printed on the collector from standard input, for it is a secret, and \
            writes a token of this machine's own to a file that only its owner can read. The token of the enrolment can be used \
            once. For the service give --owner taskwatt. Then name URL and file under `collector:` in taskwatt.yaml.

            Examples:
              taskwatt enroll https://c.example:9121 --token-file ~/c.token --ca-file ca.pem
              sudo taskwatt enroll https://c.example:9121 --token-file /etc/taskwatt/c.token
            """)

    @Argument(help: "The address of the collector.")
    var url: String

    @Flag(help: "Have the service of this machine send to it; nothing else is to be done then.")
    var service = false

    @Option(help: ArgumentHelp("The file to write this machine's token to.", valueName: "file"), completion: .file())
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "Certificates to verify the collector with, instead of the system's.", valueName: "file"),
        completion: .file(extensions: ["pem", "crt"]))
    var caFile: String?

    @Option(help: ArgumentHelp("The user who may read the token, such as the service's.", valueName: "user"))
    var owner: String?

    @Flag(help: "Replace a file that exists.")
    var force = false

    private static let longestToken = 1024

    func validate() throws {
        if service, tokenFile != nil || owner != nil {
            throw ValidationError(
                "--service has a token file and an owner of its own; leave --token-file and --owner out.")
        }
        if !service, tokenFile == nil {
            throw ValidationError("Give --service, or --token-file with the file to write the token to.")
        }
    }

    func run() async throws {
        guard let url = CollectorAddress.url(url) else {
            throw UserError(
                .usage, "`\(url)` is not the address of a collector",
                remedy: "write it as https://collector.example:9121; http is for this machine alone")
        }
        if let caFile, !HTTPCall.TLS.holdsCertificates(caFile) {
            throw UserError(
                .usage, "\(caFile) holds no certificate in PEM", remedy: "name the file with the authority's")
        }
        let enrolment = service ? ServiceEnrolment(url: url, caFile: caFile) : nil
        try enrolment?.check()
        let tokenFile = tokenFile ?? ServiceEnrolment.tokenFile
        let owner = service ? ServiceEnrolment.user : owner
        let account = try owner.map(Self.account)
        // A place that cannot be written is said before the token is used up.
        let output = try OutputFile(tokenFile, force ? .replaced : .refused, isPrivate: true)
        let address = CollectorAddress(url: url, tls: HTTPCall.TLS(caFile: caFile))
        let host = ProcessInfo.processInfo.hostName
        let pseudonym = try Redaction.ofThisMachine().machine(host)
        let answer = try await Enrolment.ask(
            HTTPClient(), address, Enrolment.Request(token: try Self.readToken(), machines: [host, pseudonym]))
        try output.write(Array("\(answer.token)\n".utf8))
        try output.finish()
        if let account, chown(tokenFile, account.user, account.group) != 0 {
            throw UserError(
                .failed, "\(tokenFile) cannot be given to \(owner ?? ""): \(String(cString: strerror(errno)))",
                remedy: "it is written; run chown as root")
        }
        guard let enrolment else {
            return Console.note("enrolled as \(PrintableText.of(answer.name)); the token is in \(tokenFile)")
        }
        try enrolment.write()
        let restarted =
            try await enrolment.restart()
            ? "and the service sends to it" : "and the service sends to it once it is restarted"
        Console.note("enrolled as \(PrintableText.of(answer.name)), \(restarted)")
    }

    private static func account(_ name: String) throws -> (user: uid_t, group: gid_t) {
        guard let entry = getpwnam(name) else {
            throw UserError(.usage, "there is no user `\(name)`", remedy: "create it first, or leave --owner out")
        }
        return (entry.pointee.pw_uid, entry.pointee.pw_gid)
    }

    /// One line of the standard input.
    private static func readToken() throws -> String {
        if isatty(STDIN_FILENO) != 0 { Console.note("the token that `taskwatt collect enroll` printed:") }
        let line = readLine() ?? ""
        let token = line.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...longestToken).contains(token.utf8.count) else {
            throw UserError(
                .usage, "standard input holds no token",
                remedy: "`taskwatt collect enroll NAME` on the collector prints one")
        }
        return token
    }
}
