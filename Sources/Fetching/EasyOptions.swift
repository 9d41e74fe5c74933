import CCurl
import Glibc

/// Gives a handle of libcurl the options of one transfer.
final class EasyOptions {
    private let curl: OpaquePointer
    private let easy: OpaquePointer
    private var code: Int32 = 0
    /// To be freed when the transfer has ended.
    private(set) var headers: OpaquePointer?

    init(_ curl: OpaquePointer, _ easy: OpaquePointer) {
        self.curl = curl
        self.easy = easy
    }

    /// - Parameter text: where libcurl may write what it says of an error.
    /// - Returns: CURLcode.
    func set(_ transfer: Transfer, _ text: UnsafeMutablePointer<CChar>) -> Int32 {
        let call = transfer.call
        put(TW_CURLOPT_ERRORBUFFER, pointer: text)
        put(TW_CURLOPT_NOSIGNAL, 1)
        put(TW_CURLOPT_PROTOCOLS_STR, "http,https")
        put(TW_CURLOPT_URL, transfer.destination.url)
        put(TW_CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        put(TW_CURLOPT_PATH_AS_IS, 1)
        put(TW_CURLOPT_HTTP_VERSION, TW_CURL_HTTP_VERSION_1_1)
        put(TW_CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // A name server that does not answer shall not hold up the thread, and with it all others, when one gives up. Not
        // known before 7.87, and not needed.
        _ = tw_curl_set_long(curl, easy, Int32(TW_CURLOPT_QUICK_EXIT), 1)
        put(TW_CURLOPT_TIMEOUT_MS, call.timeout?.wholeMilliseconds ?? 0)
        put(TW_CURLOPT_CONNECTTIMEOUT_MS, call.connectTimeout.wholeMilliseconds)
        if let path = call.socketPath { put(TW_CURLOPT_UNIX_SOCKET_PATH, path) }
        // Empty: none, whatever the environment says.
        if transfer.destination.isLocal { put(TW_CURLOPT_PROXY, "") }
        putBody(transfer)
        putAuthentication(call)
        putTLS(call.tls)
        putHeaders(call)
        putCallbacks(transfer)
        return code
    }

    private func putBody(_ transfer: Transfer) {
        let method = transfer.call.method
        if let upload = transfer.upload {
            put(TW_CURLOPT_UPLOAD, 1)
            if code == 0 {
                code = tw_curl_set_offset(curl, easy, Int32(TW_CURLOPT_INFILESIZE_LARGE), upload.length ?? -1)
            }
        } else if method == .head {
            put(TW_CURLOPT_NOBODY, 1)
        }
        if method != .get, method != .head || transfer.upload != nil { put(TW_CURLOPT_CUSTOMREQUEST, method.rawValue) }
    }

    private func putAuthentication(_ call: HTTPCall) {
        switch call.authentication {
        case .basic(let user, let password)?:
            put(TW_CURLOPT_HTTPAUTH, TW_CURLAUTH_BASIC)
            put(TW_CURLOPT_USERNAME, user)
            put(TW_CURLOPT_PASSWORD, password)
        case .digest(let user, let password)?:
            put(TW_CURLOPT_HTTPAUTH, TW_CURLAUTH_DIGEST)
            put(TW_CURLOPT_USERNAME, user)
            put(TW_CURLOPT_PASSWORD, password)
        case .bearer?, nil: break
        }
    }

    private func putTLS(_ tls: HTTPCall.TLS) {
        if tls.isInsecure {
            put(TW_CURLOPT_SSL_VERIFYPEER, 0)
            put(TW_CURLOPT_SSL_VERIFYHOST, 0)
        }
        if let file = tls.caFile {
            put(TW_CURLOPT_CAINFO, file)
            // These alone, without the system's beside them; and read anew, for a file may change.
            put(TW_CURLOPT_CAPATH, nil)
            _ = tw_curl_set_long(curl, easy, Int32(TW_CURLOPT_CA_CACHE_TIMEOUT), 0)
        }
        if let file = tls.certificateFile { put(TW_CURLOPT_SSLCERT, file) }
        if let file = tls.keyFile { put(TW_CURLOPT_SSLKEY, file) }
    }

    private func putHeaders(_ call: HTTPCall) {
        var lines = call.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        if case .bearer(let token)? = call.authentication { lines.append("Authorization: Bearer \(token)") }
        // Not every server answers to this, and a second would be lost with those; an early refusal is heard without it.
        if !call.headers.contains(where: { $0.name.lowercased() == "expect" }) { lines.append("Expect:") }
        for line in lines {
            guard let longer = tw_curl_list_append(curl, headers, line) else {
                code = Int32(TW_CURLE_OUT_OF_MEMORY)
                return
            }
            headers = longer
        }
        if code == 0 { code = tw_curl_set_list(curl, easy, Int32(TW_CURLOPT_HTTPHEADER), headers) }
    }

    /// The transfer lives as long as libcurl may call it: who has the handle has it too.
    private func putCallbacks(_ transfer: Transfer) {
        let context = Unmanaged.passUnretained(transfer).toOpaque()
        for option in [
            TW_CURLOPT_WRITEDATA, TW_CURLOPT_READDATA, TW_CURLOPT_HEADERDATA, TW_CURLOPT_PREREQDATA,
            TW_CURLOPT_SEEKDATA,
        ] { put(option, pointer: context) }
        put(TW_CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            Transfer.of(context)?.take(bytes.buffer(size * count)) ?? 0
        }
        put(TW_CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            Transfer.of(context)?.takeHead(bytes.buffer(size * count)) == true ? size * count : 0
        }
        put(TW_CURLOPT_READFUNCTION) { bytes, size, count, context in
            Transfer.of(context)?.fill(UnsafeMutableRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
        guard code == 0 else { return }
        code = tw_curl_set_request_function(curl, easy, Int32(TW_CURLOPT_PREREQFUNCTION)) { context, _, _, _, _ in
            Transfer.of(context)?.willSend() == true ? 0 : 1
        }
        guard code == 0 else { return }
        code = tw_curl_set_seek_function(curl, easy, Int32(TW_CURLOPT_SEEKFUNCTION)) { context, offset, origin in
            let isSought = origin == SEEK_SET && Transfer.of(context)?.seek(offset) == true
            return Int32(truncatingIfNeeded: isSought ? TW_CURL_SEEK_OK : TW_CURL_SEEK_FAIL)
        }
    }

    private func put(_ option: Int, _ value: Int) {
        if code == 0 { code = tw_curl_set_long(curl, easy, Int32(truncatingIfNeeded: option), value) }
    }

    private func put(_ option: Int, _ value: String?) {
        if code == 0 { code = tw_curl_set_text(curl, easy, Int32(truncatingIfNeeded: option), value) }
    }

    private func put(_ option: Int, pointer: UnsafeMutableRawPointer) {
        if code == 0 { code = tw_curl_set_pointer(curl, easy, Int32(truncatingIfNeeded: option), pointer) }
    }

    private func put(_ option: Int, function: TWCurlDataFunction) {
        if code == 0 { code = tw_curl_set_data_function(curl, easy, Int32(truncatingIfNeeded: option), function) }
    }
}

extension Transfer {
    fileprivate static func of(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }
}

extension UnsafeMutablePointer<CChar> {
    fileprivate func buffer(_ count: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(
            start: UnsafeRawPointer(self).assumingMemoryBound(to: UInt8.self), count: count)
    }
}

extension Duration {
    /// At least one: libcurl takes 0 for no limit. At most some weeks.
    fileprivate var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(min(max(seconds, 0), 1 << 31) * 1000 + attoseconds / 1_000_000_000_000_000).clamped
    }
}

extension Int {
    fileprivate var clamped: Int { Swift.min(Swift.max(self, 1), Int(Int32.max)) }
}
