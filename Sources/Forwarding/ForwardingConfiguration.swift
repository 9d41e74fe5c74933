import Core
import Fetching
import Foundation
package import Recording
package import YAMLReading

/// The sections `collector` and `drop` of `taskwatt.yaml`: who is to have the suites that are measured here.
package struct ForwardingConfiguration: Sendable, Hashable {
    package static let collectorKeys = ["url", "token_file", "ca_file", "certificate", "key", "redact"]
    package static let dropKeys = ["directory", "redact"]

    package struct Collector: Sendable, Hashable {
        package var address: CollectorAddress
        /// With the token that `taskwatt enroll` wrote; `nil` where a certificate tells who this machine is.
        package var tokenFile: String?
        package var isRedacted: Bool

        package init(address: CollectorAddress, tokenFile: String? = nil, isRedacted: Bool = false) {
            self.address = address
            self.tokenFile = tokenFile
            self.isRedacted = isRedacted
        }
    }

    package struct Drop: Sendable, Hashable {
        package var directory: String
        package var isRedacted: Bool

        package init(directory: String, isRedacted: Bool = false) {
            self.directory = directory
            self.isRedacted = isRedacted
        }
    }

    package var collector: Collector?
    package var drop: Drop?

    package init(collector: Collector? = nil, drop: Drop? = nil) {
        self.collector = collector
        self.drop = drop
    }

    package var destinations: Set<OutboxDestination> {
        var all: Set<OutboxDestination> = []
        if collector != nil { all.insert(.collector) }
        if drop != nil { all.insert(.drop) }
        return all
    }

    /// Reads the two sections of a file that is looked through for all its errors.
    ///
    /// - Parameter complain: is told all that is wrong.
    package static func read(
        _ sections: [String: YAMLReader], complain: (YAMLProblem) -> Void
    ) -> ForwardingConfiguration {
        var configuration = ForwardingConfiguration()
        func tried<Value>(_ body: () throws(YAMLProblem) -> Value?) -> Value? {
            do { return try body() } catch {
                complain(error)
                return nil
            }
        }
        if let section = sections["collector"] {
            configuration.collector = tried { () throws(YAMLProblem) in
                let fields = try section.mapping(keys: collectorKeys, complain: complain)
                return try collector(fields, section)
            }
        }
        if let section = sections["drop"] {
            configuration.drop = tried { () throws(YAMLProblem) in
                if (try? section.string()) != nil { return Drop(directory: try path(section)) }
                let fields = try section.mapping(keys: dropKeys, complain: complain)
                guard let directory = fields["directory"] else {
                    throw section.problem("`drop` needs the key `directory`, such as /shared/taskwatt")
                }
                return Drop(
                    directory: try path(directory), isRedacted: try fields["redact"]?.bool() ?? false)
            }
        }
        return configuration
    }

    private static func collector(
        _ fields: [String: YAMLReader], _ section: YAMLReader
    ) throws(YAMLProblem) -> Collector {
        guard let field = fields["url"] else {
            throw section.problem("`collector` needs the key `url`, such as \"https://collector.example:9121\"")
        }
        let text = try field.string()
        guard let url = CollectorAddress.url(text) else {
            throw field.problem(
                "this must be an address such as \"https://collector.example:9121\", not `\(text)`; http is for this machine alone"
            )
        }
        func file(_ key: String) throws(YAMLProblem) -> String? {
            guard let field = fields[key] else { return nil }
            return try path(field)
        }
        let tls = HTTPCall.TLS(
            caFile: try file("ca_file"), certificateFile: try file("certificate"), keyFile: try file("key"))
        if let one = fields["certificate"] ?? fields["key"], tls.certificateFile == nil || tls.keyFile == nil {
            throw one.problem("`certificate` and `key` go together: two PEM files, or one that holds both, twice")
        }
        let token = try file("token_file")
        guard token != nil || tls.certificateFile != nil else {
            throw section.problem(
                "`collector` needs the key `token_file`, which `taskwatt enroll` writes, or `certificate` and `key`")
        }
        return Collector(
            address: CollectorAddress(url: url, tls: tls), tokenFile: token,
            isRedacted: try fields["redact"]?.bool() ?? false)
    }

    private static func path(_ field: YAMLReader) throws(YAMLProblem) -> String {
        let path = try field.string()
        // A service has no directory that the user would think of.
        guard path.hasPrefix("/") else { throw field.problem("this must be an absolute path, not `\(path)`") }
        return path
    }
}

extension CollectorAddress {
    /// A collector's address as a user writes it, without a slash at its end; `nil` for what is none. A token goes over the network in TLS
    /// alone.
    package static func url(_ text: String) -> String? {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme, let host = parts.host, !host.isEmpty,
            parts.user == nil, parts.password == nil, parts.query == nil, parts.fragment == nil,
            scheme == "https" || scheme == "http" && ["127.0.0.1", "localhost", "::1", "[::1]"].contains(host)
        else { return nil }
        var url = text[...]
        while url.last == "/" { url.removeLast() }
        return String(url)
    }
}
