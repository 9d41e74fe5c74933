import ArgumentParser
import Commands
import Core
import Glibc
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

    @OptionGroup var force: ForceOption

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
        let enrolment = MachineEnrolment(
            url: url, caFile: caFile, tokenFile: tokenFile, owner: owner, existing: force.existing)
        Console.note(
            try await enrolment.run {
                if isatty(STDIN_FILENO) != 0 { Console.note("the token that `taskwatt collect enroll` printed:") }
                return readLine()
            })
    }
}
