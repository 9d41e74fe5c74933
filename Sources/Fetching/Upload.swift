import CCurl
import Dispatch
import Glibc
import Synchronization

/// The bytes that are sent, as libcurl asks for them on its thread. A reader is called on a queue of its own, one piece
/// ahead, so that a slow disk or a pipe holds up no other transfer.
final class Upload: Sendable {
    private struct State {
        var piece: [UInt8] = []
        var offset = 0
        var isReading = false
        var isAtEnd = false
        var problem: String?
    }

    private static let pieceLength = 1 << 18

    let length: Int64?
    private let read: (@Sendable (Int) throws -> [UInt8])?
    private let queue: DispatchQueue?
    private let state = Mutex(State())

    /// - Returns: `nil` for a body that there is not.
    init?(_ call: HTTPCall) {
        switch call.body {
        case .none:
            // A POST of nothing says so: RFC 9110, 8.6.
            guard call.method == .post || call.method == .put else { return nil }
            length = 0
            read = nil
            state.withLock { $0.isAtEnd = true }
        case .bytes(let bytes):
            length = Int64(bytes.count)
            read = nil
            state.withLock {
                $0.piece = bytes
                $0.isAtEnd = true
            }
        case .reader(let length, let read):
            self.length = length
            self.read = read
        }
        queue = read == nil ? nil : DispatchQueue(label: "taskwatt.upload")
    }

    var problem: String? { state.withLock(\.problem) }

    /// - Parameter whenMore: is called when there is more, after an answer that says to wait.
    /// - Returns: how many bytes, or what libcurl takes for waiting and for an end.
    func fill(_ buffer: UnsafeMutableRawBufferPointer, whenMore: @escaping @Sendable () -> Void) -> Int {
        let (count, mustRead) = state.withLock { state -> (Int, Bool) in
            if state.problem != nil { return (TW_CURL_READ_ABORT, false) }
            let count = min(buffer.count, state.piece.count - state.offset)
            if count > 0 {
                let offset = state.offset
                state.piece.withUnsafeBytes { buffer.copyMemory(from: .init(rebasing: $0[offset..<offset + count])) }
                state.offset += count
                return (count, false)
            }
            if state.isAtEnd { return (0, false) }
            defer { state.isReading = true }
            return (TW_CURL_PAUSE, !state.isReading)
        }
        if mustRead { queue?.async { self.readMore(whenMore) } }
        return count
    }

    /// Goes back to an offset, as far as the body is in memory.
    func seek(_ offset: Int64) -> Bool {
        state.withLock { state in
            guard read == nil, let offset = Int(exactly: offset), (0...state.piece.count).contains(offset) else {
                return false
            }
            state.offset = offset
            return true
        }
    }

    private func readMore(_ whenMore: @Sendable () -> Void) {
        let result = Result { try read?(Self.pieceLength) ?? [] }
        state.withLock { state in
            state.isReading = false
            state.offset = 0
            switch result {
            case .success(let piece):
                state.piece = piece
                state.isAtEnd = piece.isEmpty
            case .failure(let error):
                state.piece = []
                state.problem = "\(error)"
            }
        }
        whenMore()
    }
}
