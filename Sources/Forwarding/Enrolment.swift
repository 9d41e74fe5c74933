import Core
package import Fetching
import Foundation

/// Tells a collector of this machine, once, and gets the token by which it is known from then on: `POST /v1/enroll`.
package enum Enrolment {
    /// What is sent.
    package struct Request: Sendable, Hashable, Codable {
        /// Of one use, which `taskwatt collect enroll` made.
        package var token: String
        /// The names that this machine has in its bundles: its own, and its pseudonym.
        package var machines: [String]

        package init(token: String, machines: [String]) {
            self.token = token
            self.machines = machines
        }
    }

    /// What is answered, once.
    package struct Answer: Sendable, Hashable, Codable {
        /// By which the collector calls this machine.
        package var name: String
        package var token: String

        package init(name: String, token: String) {
            self.name = name
            self.token = token
        }
    }

    private static let longestAnswer = 64 << 10

    /// - Throws: `UserError`, `HTTPFailure`.
    package static func ask(_ client: HTTPClient, _ address: CollectorAddress, _ request: Request) async throws
        -> Answer
    {
        var call = HTTPCall(.post, "\(address.url)/v1/enroll")
        call.tls = address.tls
        call.headers = [("Content-Type", "application/json")]
        call.body = .bytes(Array(try JSONEncoder().encode(request)))
        let (head, body): (HTTPHead, [UInt8])
        do {
            (head, body) = try await client.fetch(call, upTo: longestAnswer)
        } catch {
            throw UserError(.unavailable, "\(address.url) does not answer: \(error)")
        }
        guard head.isSuccess else {
            if let said = try? JSONDecoder().decode(UserError.self, from: Data(body)) { throw said }
            throw UserError(.failed, "\(address.url) answers \(head.status) \(head.reason)")
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else {
            throw UserError(
                .failed, "\(address.url) answers something else than a collector of Taskwatt", remedy: "check the URL")
        }
        return answer
    }
}
