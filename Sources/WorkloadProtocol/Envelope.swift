/// A request from the host, or a notification from the plugin (no `id`).
package struct RPCRequest<Params: Codable & Sendable>: Codable, Sendable {
    package var jsonrpc = "2.0"
    package var id: Int?
    package var method: String
    package var params: Params

    package init(id: Int?, method: WorkloadMethod, params: Params) {
        self.id = id
        self.method = method.rawValue
        self.params = params
    }
}

/// A plugin's answer: exactly one of `result` and `error`.
package struct RPCResponse<Result: Codable & Sendable>: Codable, Sendable {
    package var jsonrpc = "2.0"
    /// `null` where the request could not be read.
    package var id: Int?
    package var result: Result?
    package var error: WorkloadError?

    package init(id: Int?, result: Result) {
        self.id = id
        self.result = result
    }

    package init(id: Int?, error: WorkloadError) {
        self.id = id
        self.error = error
    }
}

/// The part of any message that tells what it is, to be read first.
package struct RPCHeader: Decodable, Sendable {
    package var jsonrpc: String?
    package var id: Int?
    package var method: String?
}
