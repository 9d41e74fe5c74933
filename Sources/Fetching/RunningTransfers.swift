import CCurl
import Glibc

/// libcurl's handles of the transfers under way; used on the loop's thread alone.
struct RunningTransfers {
    private struct Running {
        var transfer: Transfer
        var headers: OpaquePointer?
        /// Where libcurl writes what it says of an error.
        var text: UnsafeMutablePointer<CChar>
    }

    /// A handle remembers what a server asked for digest authentication, so that the next request is sent once.
    private struct DigestKey: Hashable {
        var origin: String
        var authentication: HTTPCall.Authentication
        var tls: HTTPCall.TLS
        var socketPath: String?

        init?(_ transfer: Transfer) {
            guard let authentication = transfer.call.authentication, case .digest = authentication,
                transfer.call.method == .get, transfer.upload == nil
            else { return nil }
            self.authentication = authentication
            origin = transfer.destination.origin
            tls = transfer.call.tls
            socketPath = transfer.call.socketPath
        }
    }

    private static let mostKept = 64

    private let curl: OpaquePointer
    private let multi: OpaquePointer
    private var running: [OpaquePointer: Running] = [:]
    private var handles: [ObjectIdentifier: OpaquePointer] = [:]
    private var kept: [DigestKey: OpaquePointer] = [:]

    init(_ curl: OpaquePointer, _ multi: OpaquePointer) {
        self.curl = curl
        self.multi = multi
    }

    mutating func start(_ transfer: Transfer) {
        let known = DigestKey(transfer).flatMap { kept.removeValue(forKey: $0) }
        guard let easy = known ?? tw_curl_easy_create(curl) else {
            return transfer.fail(.other("libcurl has no memory"))
        }
        let text = UnsafeMutablePointer<CChar>.allocate(capacity: TW_CURL_ERROR_SIZE)
        text.initialize(repeating: 0, count: TW_CURL_ERROR_SIZE)
        let options = EasyOptions(curl, easy)
        let code = options.set(transfer, text)
        running[easy] = Running(transfer: transfer, headers: options.headers, text: text)
        handles[ObjectIdentifier(transfer)] = easy
        guard code == TW_CURLE_OK else {
            transfer.fail(
                .unusable("libcurl does not take the call: \(String(cString: tw_curl_error_text(curl, code)))"))
            return release(easy, isKept: false)
        }
        guard tw_curl_multi_add(curl, multi, easy) == 0 else {
            transfer.fail(.other("libcurl does not take the call"))
            return release(easy, isKept: false)
        }
    }

    func resume(_ transfer: Transfer) {
        guard let easy = handles[ObjectIdentifier(transfer)] else { return }
        _ = tw_curl_resume(curl, easy)
    }

    mutating func cancel(_ transfer: Transfer) {
        guard let easy = handles[ObjectIdentifier(transfer)] else { return }
        release(easy, isKept: false)
    }

    /// Ends what libcurl has ended.
    mutating func takeDone() {
        var result: Int32 = 0
        while let easy = tw_curl_next_done(curl, multi, &result) {
            guard let running = running[easy] else { continue }
            let said = String(cString: running.text)
            running.transfer.end(
                code: Int(result), text: said.isEmpty ? String(cString: tw_curl_error_text(curl, result)) : said,
                errno: Int32(truncatingIfNeeded: tw_curl_get_long(curl, easy, Int32(TW_CURLINFO_OS_ERRNO))),
                isConnected: tw_curl_get_offset(curl, easy, Int32(TW_CURLINFO_PRETRANSFER_TIME_T)) > 0)
            // What was refused shall not be tried again with the same nonce: not every device says that one is stale.
            release(easy, isKept: result == TW_CURLE_OK && running.transfer.isLetIn)
        }
    }

    /// Ends all.
    mutating func end() {
        for (easy, running) in running {
            running.transfer.fail(.cancelled)
            release(easy, isKept: false)
        }
        for easy in kept.values { tw_curl_easy_free(curl, easy) }
        kept = [:]
    }

    private mutating func release(_ easy: OpaquePointer, isKept: Bool) {
        guard let ended = running.removeValue(forKey: easy) else { return }
        handles[ObjectIdentifier(ended.transfer)] = nil
        _ = tw_curl_multi_remove(curl, multi, easy)
        if isKept, kept.count < Self.mostKept, let key = DigestKey(ended.transfer), kept[key] == nil {
            // Nothing of this transfer is left to point to.
            _ = tw_curl_set_pointer(curl, easy, Int32(TW_CURLOPT_ERRORBUFFER), nil)
            _ = tw_curl_set_list(curl, easy, Int32(TW_CURLOPT_HTTPHEADER), nil)
            kept[key] = easy
        } else {
            tw_curl_easy_free(curl, easy)
        }
        tw_curl_list_free(curl, ended.headers)
        ended.text.deallocate()
    }
}
