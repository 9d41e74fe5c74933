import Core
import Fetching
import Forwarding
import Foundation
import Glibc
import Host
import Service
import Settings

/// Has the service of this machine send to a collector: `taskwatt enroll --service`. What an administrator would have to do at four places
/// is one step: the certificates, the configuration, the network that the unit does not have otherwise, and the restart.
package struct ServiceEnrolment: Sendable {
    package static let tokenFile = "/etc/taskwatt/collector.token"
    package static let user = "taskwatt"
    private static let certificates = "/etc/taskwatt/collector-ca.pem"
    private static let dropIn = "/etc/systemd/system/taskwatt.service.d"

    /// `/`, or a directory that stands for it.
    private let root: String
    private let url: String
    private let caFile: String?

    /// - Parameters:
    ///   - url: of the collector, as `CollectorAddress.url` has it.
    ///   - caFile: certificates to verify it with.
    package init(url: String, caFile: String?, root: String = "/") {
        self.root = root == "/" ? "" : root
        self.url = url
        self.caFile = caFile
    }

    /// Says before the token is used up what would not work.
    ///
    /// - Throws: `UserError`; `YAMLProblem` of the configuration.
    package func check() throws {
        if root.isEmpty, geteuid() != 0 {
            throw UserError(.failed, "only the administrator may set up the service: sudo taskwatt enroll …")
        }
        _ = try newConfiguration()
    }

    private var configurationFile: String { root + Surroundings.systemConfiguration }

    /// - Returns: the configuration with the collector; `nil` where it names it already.
    private func newConfiguration() throws -> String? {
        var text = ""
        if access(configurationFile, F_OK) == 0 {
            do { text = try BoundedFile.text(configurationFile) } catch {
                throw UserError(.failed, "\(configurationFile) cannot be read: \(error.reason)")
            }
        }
        if let known = try collector(in: text) {
            if isThis(known) { return nil }
            throw UserError(
                .usage, "\(configurationFile) names a collector already: \(known.address.url)",
                remedy: "remove its section `collector` first")
        }
        if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
        text += """

            # Written by `taskwatt enroll --service`.
            collector:
              url: "\(url)"
              token_file: \(Self.tokenFile)

            """
        if caFile != nil { text += "  ca_file: \(Self.certificates)\n" }
        // An address that is no plain text in YAML is not written.
        guard let new = try collector(in: text), isThis(new) else {
            throw UserError(.usage, "`\(url)` cannot be written into \(configurationFile)", remedy: "write it plainly")
        }
        return text
    }

    private func collector(in text: String) throws -> ForwardingConfiguration.Collector? {
        try Configuration(file: (configurationFile, text)).checked().forwarding.collector
    }

    private func isThis(_ collector: ForwardingConfiguration.Collector) -> Bool {
        collector.address.url == url && collector.tokenFile == Self.tokenFile
            && (caFile == nil || collector.address.tls.caFile == Self.certificates)
    }

    /// Writes all but the token, which is there.
    ///
    /// - Returns: the addresses that the unit may reach.
    /// - Throws: `UserError`; `YAMLProblem`, where the configuration was changed meanwhile.
    @discardableResult
    package func write() throws -> [String] {
        let addresses = Self.addresses(of: url, resolver: "\(root)/etc/resolv.conf")
        do {
            if let caFile, caFile != Self.certificates {
                try put(try BoundedFile.text(caFile), root + Self.certificates)
            }
            if let text = try newConfiguration() {
                let output = try OutputFile(configurationFile, mode: 0o644)
                try output.write(Array(text.utf8))
                try output.finish()
            }
            let directory = root + Self.dropIn
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
            try put(Self.dropInText(addresses), "\(directory)/collector.conf")
        } catch let problem as FileProblem {
            throw problem.userError.at("the token is kept, but the service is not set up")
        } catch let error as BoundedFileError {
            throw UserError(.failed, "\(caFile ?? "") cannot be read: \(error.reason)")
        }
        return addresses
    }

    private func put(_ text: String, _ path: String) throws {
        try OpenDirectory(path.directoryPart).put(text.utf8, as: (path as NSString).lastPathComponent, mode: 0o644)
        // Whatever the umask is: the service reads it as a user of its own.
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    }

    /// - Returns: whether the service runs with it now; it does not where systemd does not run.
    package func restart() async throws -> Bool {
        let services = SystemdTimers(root: root.isEmpty ? "/" : root)
        guard services.isRunning else { return false }
        try await services.restart("taskwatt.service")
        return true
    }

    // MARK: The network of the unit

    static func dropInText(_ addresses: [String]) -> String {
        """
        # Made by `taskwatt enroll --service`: the daemon may reach the collector, and whoever tells where that is.
        # After a change of its address enrol again, or write it here.
        [Service]
        PrivateNetwork=no
        RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
        IPAddressAllow=localhost
        \(addresses.map { "IPAddressAllow=\($0)\n" }.joined())
        """
    }

    /// The addresses of the collector as they are now, and of the servers that know them.
    private static func addresses(of url: String, resolver: String) -> [String] {
        guard let host = URLComponents(string: url)?.host else { return [] }
        let own = lookedUp(host.trimmingCharacters(in: ["[", "]"]))
        let servers = nameservers(in: (try? BoundedFile.text(resolver)) ?? "")
        var seen: Set<String> = []
        return (own + servers).filter { seen.insert($0).inserted }
    }

    /// Those of resolv.conf(5), without the zone of an address of the link.
    static func nameservers(in text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 2, words[0] == "nameserver" else { return nil }
            return numeric(String(words[1].prefix { $0 != "%" }))
        }
    }

    private static func numeric(_ text: String) -> String? {
        var buffer = in6_addr()
        return inet_pton(AF_INET, text, &buffer) == 1 || inet_pton(AF_INET6, text, &buffer) == 1 ? text : nil
    }

    private static func lookedUp(_ host: String) -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &first) == 0 else { return [] }
        defer { freeaddrinfo(first) }
        var all: [String] = []
        var next = first
        while let entry = next {
            var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &buffer, socklen_t(buffer.count), nil, 0,
                NI_NUMERICHOST) == 0
            {
                let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                if let address = numeric(String(text.prefix { $0 != "%" })) { all.append(address) }
            }
            next = entry.pointee.ai_next
        }
        return all
    }
}
