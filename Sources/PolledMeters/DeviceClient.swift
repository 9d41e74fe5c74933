package import AsyncHTTPClient
import Core
import Foundation
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Asks devices over HTTP. One client serves all meters of a process, so that connections are kept.
package struct DeviceClient: Sendable {
    /// A BMC's largest resource is some ten kilobytes; what is longer than this is not from a meter.
    private static let longestAnswer = 1 << 20
    private static let longestRequest = 10
    private static let mostRedirects = 3

    /// It lives as long as the process. Redirects are followed here, within a device only; an answer is not
    /// decompressed, for a small one could hide a large one.
    package static let shared: DeviceClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.connectionPool.retryConnectionEstablishment = false
        return DeviceClient(HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration))
    }()

    private let http: HTTPClient

    package init(_ http: HTTPClient) { self.http = http }

    /// The JSON document at a URL.
    ///
    /// - Throws: `DeviceError`, with the cause and what would help.
    func json(
        _ url: String, shown: String, authorization: String?, tls: TLSConfiguration?
    ) async throws(DeviceError) -> JSONValue {
        var url = url
        for _ in 0...Self.mostRedirects {
            var request = HTTPClientRequest(url: url)
            request.headers.add(name: "Accept", value: "application/json")
            if let authorization { request.headers.add(name: "Authorization", value: authorization) }
            request.tlsConfiguration = tls
            let (status, location, body) = try await execute(request, shown: shown)
            if (300..<400).contains(status.code) {
                guard let next = Self.sameOrigin(location, as: url) else {
                    // Without the query, in which a password may come back.
                    let place = location?.split(separator: "?").first.map { " to \($0)" } ?? ""
                    throw DeviceError(
                        "\(status.code): \(shown) leads\(place)", remedy: "give the address that it leads to")
                }
                url = next
                continue
            }
            if let error = Self.refusal(status, body, shown: shown) { throw error }
            return try Self.decode(body, shown: shown)
        }
        throw DeviceError("\(shown) leads in a circle", remedy: "see that the address is right")
    }

    private func execute(
        _ request: HTTPClientRequest, shown: String
    ) async throws(DeviceError) -> (HTTPResponseStatus, location: String?, body: ByteBuffer) {
        do {
            // The attempt as a whole has its own limit; this one only ends what nobody waits for.
            let response = try await http.execute(request, timeout: .seconds(Int64(Self.longestRequest)))
            let body = try await response.body.collect(upTo: Self.longestAnswer)
            return (response.status, response.headers.first(name: "Location"), body)
        } catch {
            throw Self.explain(error, shown: shown)
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

    private static func decode(_ body: ByteBuffer, shown: String) throws(DeviceError) -> JSONValue {
        do {
            return try JSONDecoder().decode(JSONValue.self, from: Data(body.readableBytesView))
        } catch {
            throw .unusable("\(shown) does not answer in JSON", remedy: "see that the address and the type are right")
        }
    }

    /// What an answer other than success means.
    private static func refusal(_ status: HTTPResponseStatus, _ body: ByteBuffer, shown: String) -> DeviceError? {
        if (200..<300).contains(status.code) { return nil }
        var text = "\(status.code): \(shown) answers \(status.reasonPhrase)"
        if let words = words(of: body) { text += " (\(words))" }
        switch status.code {
        case 401: return DeviceError(text, remedy: "give the user and password, or the token, by a file", errno: EACCES)
        case 403: return DeviceError(text, remedy: "give an account that may read the power", errno: EACCES)
        case 404: return DeviceError(text, remedy: "see that the address and the type are right", errno: ENOENT)
        default: return DeviceError(text)
        }
    }

    /// What a device says of its refusal: Prometheus in `error`, Home Assistant in `message`, Redfish in
    /// `error.message`.
    private static func words(of body: ByteBuffer) -> String? {
        guard let json = try? JSONDecoder().decode(JSONValue.self, from: Data(body.readableBytesView)),
            let words = json["error"]?.stringValue ?? json["message"]?.stringValue
                ?? json["error"]?["message"]?.stringValue
        else { return nil }
        return String(words.prefix(200).map { $0.isNewline ? " " : $0 })
    }

    private static func explain(_ error: any Error, shown: String) -> DeviceError {
        switch error {
        case let error as DeviceError: return error
        case is CancellationError: return DeviceError("\(shown) was not waited for", errno: ECANCELED)
        case is NIOTooManyBytesError:
            return DeviceError(
                "the answer of \(shown) is longer than \(longestAnswer >> 20) MiB",
                remedy: "give the address of a single figure", errno: EMSGSIZE)
        case let error as HTTPClientError:
            switch error {
            case .cancelled: return DeviceError("\(shown) was not waited for", errno: ECANCELED)
            case .connectTimeout, .deadlineExceeded, .readTimeout, .getConnectionFromPoolTimeout:
                return .noAnswer(from: shown, within: Double(longestRequest))
            case .remoteConnectionClosed: return DeviceError("\(shown) closed the connection", errno: ECONNRESET)
            default: return DeviceError("\(shown): \(error.description)")
            }
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return DeviceError(
                "\(shown) shows a certificate that cannot be verified, or none",
                remedy: "give its CA by `ca_file`, or take any by `insecure: true`", errno: EACCES)
        case let error as NIOConnectionError:
            if let cause = error.connectionErrors.first?.error as? IOError { return refused(cause, shown: shown) }
            return DeviceError(
                "the name in \(shown) is not known", remedy: "give the device's IP address", errno: EHOSTUNREACH)
        case let error as IOError: return refused(error, shown: shown)
        default: return DeviceError("\(shown): the answer breaks off or is not HTTP (\(error))", errno: EPROTO)
        }
    }

    private static func refused(_ error: IOError, shown: String) -> DeviceError {
        DeviceError(
            "\(shown): \(String(cString: strerror(error.errnoCode)))",
            remedy: "see that it is on and that its address is right", errno: error.errnoCode)
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
