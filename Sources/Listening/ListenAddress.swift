package import Core
import Foundation

/// Where the daemon listens on TCP, as a user writes it: `127.0.0.1:9120`, `[::1]:9120`, `lab7:9120`.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    package var host: String
    /// 0 for one that the system chooses.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Throws: `UserError` of the kind usage for what is no address with a port.
    package init(_ text: String) throws(UserError) {
        let wrong = UserError(
            .usage, "`\(text)` is not an address to listen on",
            remedy: "write it as 127.0.0.1:9120, [::1]:9120 or a name and a port")
        guard let match = text.wholeMatch(of: /(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^:\[\]\/\s]+)):([0-9]{1,5})/),
            let host = match.1 ?? match.2, let port = Int(match.3), port <= 65_535
        else { throw wrong }
        self.init(host: String(host), port: port)
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool { Self.isLoopback(host) }

    static func isLoopback(_ host: String) -> Bool {
        // Whole: 127.0.0.1.example.org is anybody's.
        host.lowercased() == "localhost" || host == "::1" || host.wholeMatch(of: /127(\.[0-9]{1,3}){3}/) != nil
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
