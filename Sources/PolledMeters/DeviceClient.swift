import Core
import Fetching
import Foundation
import Glibc
import Synchronization

/// Asks devices over HTTP. One client serves all meters of a process, so that connections are kept.
package struct DeviceClient: Sendable {
    /// A BMC's largest resource is some ten kilobytes; what is longer than this is not from a meter.
    private static let longestAnswer = 1 << 20
    private static let longestRequest = 10
    private static let mostRedirects = 3
    /// More would be too much for a plug.
    private static let mostConnections = 8

    /// It lives as long as the process. Redirects are followed here, within a device only.
    package static let shared = DeviceClient()

    private let http = HTTPClient(connectionsPerHost: mostConnections)
    private let schemes = PasswordSchemes()

    /// The JSON document at a URL.
    ///
    /// - Parameter headers: further ones, such as the token of a session.
    /// - Throws: `DeviceError`, with the cause and what would help.
    func json(
        _ url: String, shown: String, credentials: DeviceCredentials?, tls: HTTPCall.TLS,
        headers: [(name: String, value: String)] = []
    ) async throws(DeviceError) -> JSONValue {
        var url = url
        for _ in 0...Self.mostRedirects {
            var call = HTTPCall(.get, url)
            call.headers = [(name: "Accept", value: "application/json")] + headers
            call.tls = tls
            // The attempt as a whole has its own limit; this one only ends what nobody waits for.
            call.timeout = .seconds(Self.longestRequest)
            let (head, body) = try await send(call, credentials, shown: shown)
            if (300..<400).contains(head.status) {
                let location = head.header("Location")
                guard let next = Self.sameOrigin(location, as: url) else {
                    // Without the query, in which a password may come back.
                    let place = location?.split(separator: "?").first.map { " to \($0)" } ?? ""
                    throw DeviceError(
                        "\(head.status): \(shown) leads\(place)", remedy: "give the address that it leads to")
                }
                url = next
                continue
            }
            if let error = Self.refusal(head, body, shown: shown) { throw error }
            return try Self.decode(body, shown: shown)
        }
        throw DeviceError("\(shown) leads in a circle", remedy: "check that the address is correct")
    }

    /// Sends a call as it is, whatever the answer says.
    func exchange(_ call: HTTPCall, shown: String) async throws(DeviceError) -> (HTTPHead, [UInt8]) {
        try await execute(call, shown: shown)
    }

    /// Sends a call with what the device wants to see.
    private func send(
        _ call: HTTPCall, _ credentials: DeviceCredentials?, shown: String
    ) async throws(DeviceError) -> (HTTPHead, [UInt8]) {
        var call = call
        switch credentials {
        case nil: return try await execute(call, shown: shown)
        case .token(let token)?:
            call.authentication = .bearer(token)
            return try await execute(call, shown: shown)
        case .password(let user, let password)?:
            let origin = URLComponents(string: call.url)
            let key = PasswordSchemes.Key(
                origin: "\(origin?.scheme ?? "")://\(origin?.host ?? ""):\(origin?.port ?? 0)", user: user)
            let known = schemes[key]
            let scheme = known ?? (origin?.scheme == "https" ? .basic : .none)
            call.authentication = scheme.authentication(user, password)
            let (head, body) = try await execute(call, shown: shown)
            guard head.status == 401 else { return (head, body) }
            // A device that took the password before may want it with a new nonce.
            guard let wanted = scheme.next(after: head) ?? (known == .digest ? .digest : nil) else {
                return (head, body)
            }
            call.authentication = wanted.authentication(user, password)
            let second = try await execute(call, shown: shown)
            if second.0.status != 401 { schemes[key] = wanted }
            return second
        }
    }

    private func execute(_ call: HTTPCall, shown: String) async throws(DeviceError) -> (HTTPHead, [UInt8]) {
        do throws(HTTPFailure) {
            let (head, body) = try await http.fetch(call, upTo: Self.longestAnswer)
            return (head, body)
        } catch {
            throw Self.explain(error, shown: shown, caFile: call.tls.caFile)
        }
    }

    /// Some BMCs lead from `/redfish/v1/Chassis` to `/redfish/v1/Chassis/`. Whoever leads elsewhere would be given the
    /// credentials of another.
    private static func sameOrigin(_ location: String?, as url: String) -> String? {
        guard let location, let old = URL(string: url), let new = URL(string: location, relativeTo: old)?.absoluteURL,
            new.scheme == old.scheme, new.host == old.host, new.port == old.port
        else { return nil }
        return new.absoluteString
    }

    private static func decode(_ body: [UInt8], shown: String) throws(DeviceError) -> JSONValue {
        do {
            return try JSONDecoder().decode(JSONValue.self, from: Data(body))
        } catch {
            throw .unusable(
                "\(shown) does not answer in JSON", remedy: "check that the address and the type are correct")
        }
    }

    /// What an answer other than success means.
    static func refusal(_ head: HTTPHead, _ body: [UInt8], shown: String) -> DeviceError? {
        if head.isSuccess { return nil }
        var text = "\(head.status): \(shown) answers \(head.reason)"
        if let words = words(of: body) { text += " (\(words))" }
        switch head.status {
        case 401: return DeviceError(text, errno: EACCES, status: 401)
        case 403:
            return DeviceError(text, remedy: "give an account that may read the power", errno: EACCES, status: 403)
        case 404:
            return DeviceError(
                text, remedy: "check that the address and the type are correct", errno: ENOENT, status: 404)
        default: return DeviceError(text, status: head.status)
        }
    }

    /// What a device says of its refusal: Prometheus in `error`, Home Assistant in `message`, Redfish in
    /// `error.@Message.ExtendedInfo` (DSP0266, extended error information), before which `error.message` only says to look there.
    private static func words(of body: [UInt8]) -> String? {
        guard let json = try? JSONDecoder().decode(JSONValue.self, from: Data(body)),
            let words = json["error"]?.stringValue ?? json["message"]?.stringValue
                ?? json["error"]?["@Message.ExtendedInfo"]?[0]?["Message"]?.stringValue
                ?? json["error"]?["@Message.ExtendedInfo"]?[0]?["MessageId"]?.stringValue
                ?? json["error"]?["message"]?.stringValue
        else { return nil }
        return String(words.prefix(200).map { $0.isNewline ? " " : $0 })
    }

    private static func explain(_ failure: HTTPFailure, shown: String, caFile: String?) -> DeviceError {
        switch failure {
        case .cancelled: return DeviceError("\(shown) was not waited for", errno: ECANCELED)
        case .tooLong:
            return DeviceError(
                "the answer of \(shown) is longer than \(longestAnswer >> 20) MiB",
                remedy: "give the address of a single figure", errno: EMSGSIZE)
        case .timedOut: return .noAnswer(from: shown, within: Double(longestRequest))
        case .closed: return DeviceError("\(shown) closed the connection", errno: ECONNRESET)
        case .tls(.authorities):
            return .noCertificate(in: caFile ?? "the system's certificates")
        case .tls(.name):
            return DeviceError(
                "\(shown) shows a certificate of another name",
                remedy: "give the `address` by the name in its certificate, or take any by `insecure: true`",
                errno: EACCES)
        case .tls(.expired):
            return DeviceError(
                "\(shown) shows a certificate that is not valid now",
                remedy: "check that the clocks are correct, or take any by `insecure: true`", errno: EACCES)
        case .tls where caFile != nil:
            return DeviceError(
                "\(shown) shows a certificate that those in \(caFile ?? "") do not sign, or none",
                remedy: "give the certificate of its own CA by `ca_file`, or take any by `insecure: true`",
                errno: EACCES)
        case .tls:
            return DeviceError(
                "\(shown) shows a certificate that cannot be verified, or none",
                remedy: "give its CA by `ca_file`, or take any by `insecure: true`", errno: EACCES)
        case .unresolved:
            return DeviceError(
                "the name in \(shown) is not known", remedy: "give the device's IP address", errno: EHOSTUNREACH)
        case .refused(let errno):
            return DeviceError(
                "\(shown): \(errno == 0 ? "no connection" : String(cString: strerror(errno)))",
                remedy: "check that it is on and that its address is correct", errno: errno == 0 ? ECONNREFUSED : errno)
        case .notHTTP: return DeviceError("\(shown): the answer breaks off or is not HTTP", errno: EPROTO)
        case .noLibrary(let text): return DeviceError(text, errno: ENOSYS)
        case .unusable, .bodyUnreadable, .other: return DeviceError("\(shown): \(failure)")
        }
    }
}

/// Runs `body` for so many seconds at most; then it is cancelled, and the error is that of a device that does not
/// answer.
func within<Value: Sendable>(
    _ seconds: Double, from source: String,
    _ body: @escaping @Sendable () async throws(DeviceError) -> Value
) async throws(DeviceError) -> Value {
    let outcome = await withTaskGroup(of: Result<Value, DeviceError>.self) { group in
        group.addTask {
            do throws(DeviceError) { return .success(try await body()) } catch { return .failure(error) }
        }
        group.addTask {
            try? await Task.sleep(for: .seconds(seconds), clock: .suspending)
            return .failure(.noAnswer(from: source, within: seconds))
        }
        let first = await group.next() ?? .failure(.noAnswer(from: source, within: seconds))
        group.cancelAll()
        return first
    }
    return try outcome.get()
}
