import Core
package import Listening
import Service
package import YAMLReading

/// The section `collect` of `taskwatt.yaml`: where the collector listens, and whom it lets in.
package struct CollectorConfiguration: Sendable, Hashable {
    package static let keys = ["address", "certificate", "key", "client_ca", "page_token_file", "most_mib"]

    package var address: ListenAddress
    /// `nil` on this machine alone: tokens do not go over a network in the clear.
    package var tls: ListenerConfiguration.TLSFiles?
    /// PEM, the roots of the certificates by which machines may come instead of a token.
    package var clientCA: String?
    /// Holds the password of the page for people; `nil` where there is no page.
    package var pageTokenFile: String?
    package var limits = CollectorLimits()

    package init(
        address: ListenAddress, tls: ListenerConfiguration.TLSFiles? = nil, clientCA: String? = nil,
        limits: CollectorLimits = CollectorLimits()
    ) {
        self.address = address
        self.tls = tls
        self.clientCA = clientCA
        self.limits = limits
    }

    /// - Parameter complain: is told all that is wrong.
    /// - Returns: `nil` without the section, and where it has no usable address.
    package static func read(
        _ sections: [String: YAMLReader], complain: (YAMLProblem) -> Void
    ) -> CollectorConfiguration? {
        guard let section = sections["collect"] else { return nil }
        do throws(YAMLProblem) {
            return try read(try section.mapping(keys: keys, complain: complain), section)
        } catch {
            complain(error)
            return nil
        }
    }

    private static func read(
        _ fields: [String: YAMLReader], _ section: YAMLReader
    ) throws(YAMLProblem) -> CollectorConfiguration {
        guard let field = fields["address"] else {
            throw section.problem("`collect` needs the key `address`, such as \"0.0.0.0:9121\"")
        }
        let text = try field.string()
        guard let address = try? ListenAddress(text) else {
            throw field.problem("this must be an address with a port, such as \"0.0.0.0:9121\", not `\(text)`")
        }
        func path(_ key: String) throws(YAMLProblem) -> String? {
            guard let field = fields[key] else { return nil }
            let path = try field.string()
            guard path.hasPrefix("/") else { throw field.problem("this must be an absolute path, not `\(path)`") }
            return path
        }
        var configuration = CollectorConfiguration(address: address, clientCA: try path("client_ca"))
        switch (try path("certificate"), try path("key")) {
        case (let certificate?, let key?):
            configuration.tls = ListenerConfiguration.TLSFiles(certificate: certificate, key: key)
        case (nil, nil):
            guard address.isLoopback else {
                throw section.problem("`collect` needs the keys `certificate` and `key`, but on 127.0.0.1")
            }
        default:
            throw section.problem("`certificate` and `key` go together: two PEM files, or one that holds both, twice")
        }
        if configuration.clientCA != nil, configuration.tls == nil {
            throw section.problem("`client_ca` needs the keys `certificate` and `key`")
        }
        configuration.pageTokenFile = try path("page_token_file")
        if let most = try fields["most_mib"]?.integer(1...16_384) {
            configuration.limits.bundleBytes = Int64(most) << 20
        }
        return configuration
    }
}
