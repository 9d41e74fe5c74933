import Core
import Fetching
import Foundation

/// Where a device is: `http` or `https`, a host, and perhaps a path that a proxy adds.
struct DeviceAddress: Sendable, Hashable {
    /// As it was given.
    let text: String
    /// The URL without a slash at its end, to put a path behind.
    let base: String
    /// Scheme, host and port.
    let origin: String
    let isSecure: Bool
    /// Name or address, an IPv6 address perhaps in brackets.
    let host: String

    /// - Throws: `BadAddress` with what is wrong with the text.
    init(_ text: String) throws(BadAddress) {
        guard let url = URLComponents(string: text), let scheme = url.scheme, ["http", "https"].contains(scheme),
            let host = url.host, !host.isEmpty
        else { throw BadAddress(message: "must be a URL such as http://192.168.1.20, not `\(text)`") }
        // The text is not repeated: it holds a secret.
        guard url.user == nil, url.password == nil else {
            throw BadAddress(message: "must hold no user and no password; give them by `user` and `password_file`")
        }
        guard url.fragment == nil else { throw BadAddress(message: "must have no part after a `#`") }
        var origin = URLComponents()
        origin.scheme = scheme
        origin.host = host
        origin.port = url.port
        guard let originText = origin.string else {
            throw BadAddress(message: "must be a URL such as http://192.168.1.20, not `\(text)`")
        }
        self.origin = originText
        self.text = text
        self.host = host
        base = text.hasSuffix("/") ? String(text.dropLast()) : text
        isSecure = scheme == "https"
    }

    /// Without the query, which may hold a key.
    var shown: String { base.split(separator: "?", maxSplits: 1).first.map(String.init) ?? base }

    struct BadAddress: Error { var message: String }
}

/// How to get in: all secrets by the files that hold them.
struct DeviceAccess: Sendable, Hashable {
    var user: String?
    var passwordFile: String?
    var tokenFile: String?
    /// Take any certificate.
    var isInsecure = false
    /// The certificates, in PEM, that a device's own is verified with.
    var caFile: String?
    /// Which keys of secrets its type of device takes.
    var takesPassword = false
    var takesToken = false

    /// What helps one that is not let in.
    var remedy: String? {
        if user != nil { return "check that `user` and `password_file` are correct" }
        if tokenFile != nil { return "check that the token in `token_file` is correct" }
        switch (takesPassword, takesToken) {
        case (true, true): return "give its `user` and `password_file`, or its `token_file`"
        case (true, false): return "give its `user` and `password_file`"
        case (false, true): return "give its `token_file`"
        case (false, false): return nil
        }
    }
}

/// An address with the credentials for it, read and ready.
struct DeviceLink: Sendable {
    let address: DeviceAddress
    let user: String?
    let password: String?
    /// How long it may be silent when it is looked for, in seconds.
    var patience = PolledMeters.lookSeconds
    private let access: DeviceAccess
    private let client: DeviceClient
    private let credentials: DeviceCredentials?
    private let tls: HTTPCall.TLS

    /// - Throws: `DeviceError` for a file of secrets or certificates that cannot be used.
    init(_ address: DeviceAddress, _ access: DeviceAccess, client: DeviceClient) throws(DeviceError) {
        self.address = address
        self.access = access
        self.client = client
        user = access.user
        var password: String?
        if let file = access.passwordFile { password = try SecretFile.read(file) }
        self.password = password
        if let file = access.tokenFile {
            credentials = .token(try SecretFile.read(file))
        } else if let user = access.user, let password {
            credentials = .password(user: user, password: password)
        } else {
            credentials = nil
        }
        if let file = access.caFile, !HTTPCall.TLS.holdsCertificates(file) { throw .noCertificate(in: file) }
        tls = HTTPCall.TLS(caFile: access.caFile, isInsecure: access.isInsecure)
    }

    /// Changes with the secrets, which are not in the configuration.
    func hash(into hasher: inout Hasher) {
        hasher.combine(password)
        hasher.combine(credentials)
    }

    /// What is at the address itself.
    func get() async throws(DeviceError) -> JSONValue {
        try await json(address.text, shown: address.shown, credentials)
    }

    /// - Parameters:
    ///   - path: below the address, with its query.
    ///   - sendsCredentials: `false` for a device that takes them in the query.
    func get(_ path: String, sendsCredentials: Bool = true) async throws(DeviceError) -> JSONValue {
        try await json(address.base + path, shown: address.shown, sendsCredentials ? credentials : nil)
    }

    /// - Parameters:
    ///   - path: an absolute path of the host, as a device gives it for its own resources.
    ///   - token: of a session (DSP0266, session login), in place of the user and password.
    func get(fromRoot path: String, token: String? = nil) async throws(DeviceError) -> JSONValue {
        let url = address.origin + (try Self.checked(path, of: address))
        guard let token else { return try await json(url, shown: url, credentials) }
        return try await json(url, shown: url, nil, headers: [(name: "X-Auth-Token", value: token)])
    }

    /// Sends a call to a path of the host, and gives its answer whatever it says.
    func send(
        _ method: HTTPCall.Method, fromRoot path: String, headers: [(name: String, value: String)], body: [UInt8]? = nil
    ) async throws(DeviceError) -> (HTTPHead, [UInt8]) {
        let url = address.origin + (try Self.checked(path, of: address))
        var call = HTTPCall(method, url)
        call.headers = [(name: "Accept", value: "application/json")] + headers
        call.tls = tls
        call.timeout = .seconds(10)
        if let body { call.body = .bytes(body) }
        return try await client.exchange(call, shown: url)
    }

    /// What helps one that is not let in.
    var remedy: String? { access.remedy }

    private func json(
        _ url: String, shown: String, _ credentials: DeviceCredentials?,
        headers: [(name: String, value: String)] = []
    ) async throws(DeviceError) -> JSONValue {
        do throws(DeviceError) {
            return try await client.json(url, shown: shown, credentials: credentials, tls: tls, headers: headers)
        } catch {
            guard error.status == 401 else { throw error }
            var error = error
            error.remedy = access.remedy
            throw error
        }
    }

    /// A path that is another host's URL would be given the credentials of this one.
    private static func checked(_ path: String, of address: DeviceAddress) throws(DeviceError) -> String {
        guard path.hasPrefix("/"), !path.hasPrefix("//") else {
            throw .unusable("\(address.shown) gives the link `\(path.prefix(100))`, which is not a path")
        }
        return path
    }
}
