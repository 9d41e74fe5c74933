import CLinux
import Core
import Foundation
import Glibc
import Host
import Synchronization
import SystemPackage

/// One end of the connection between the daemon and the host of a plugin: messages of a line of JSON, and file descriptors
/// with the first. That it is closed means to the host that the plugin shall end, and so it does when the daemon dies.
final class ControlSocket: Sendable {
    private static let longestLine = 64 << 10
    private static let mostDescriptors = 3

    private let descriptor: Int32
    private let unread = Mutex<(bytes: [UInt8], descriptors: [Int32])>(([], []))

    /// - Parameter descriptor: of a connected socket, which is closed with this.
    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit {
        close(descriptor)
        for left in unread.withLock(\.descriptors) { close(left) }
    }

    /// - Throws: why nobody answers at the path.
    static func connect(to path: String) throws(Errno) -> ControlSocket {
        ControlSocket(descriptor: try UnixSocket.connect(to: path, .stream))
    }

    /// - Parameter descriptors: the other side gets copies of them.
    /// - Throws: `Errno`, `brokenPipe` where nobody listens any more.
    func send(_ message: some Encodable, descriptors: [Int32] = []) throws {
        var line = try JSONEncoder().encode(message)
        line.append(UInt8(ascii: "\n"))
        var sent = 0
        while sent < line.count {
            let result: Int = line.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
                if sent == 0, !descriptors.isEmpty {
                    return taskwatt_send_descriptors(
                        descriptor, bytes.baseAddress, bytes.count, descriptors, descriptors.count)
                }
                let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
                return Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if result == -1 && errno == EINTR || result == -Int(EINTR) { continue }
            guard result > 0 else { throw Errno(rawValue: result == -1 ? errno : Int32(clamping: result.magnitude)) }
            sent += result
        }
    }

    /// Waits for the next message.
    ///
    /// - Returns: `nil` once the other side has hung up, or of a line that is no such message.
    func receive<Message: Decodable>(_ type: Message.Type = Message.self) -> Message? {
        line().flatMap { try? JSONDecoder().decode(type, from: Data($0)) }
    }

    private func line() -> [UInt8]? {
        unread.withLock { state in
            while true {
                if let end = state.bytes.firstIndex(of: UInt8(ascii: "\n")) {
                    defer { state.bytes.removeSubrange(...end) }
                    return Array(state.bytes[..<end])
                }
                guard state.bytes.count < Self.longestLine, more(&state) else { return nil }
            }
        }
    }

    /// The descriptors that came with the messages so far; they are the caller's now.
    func takeDescriptors() -> [Int32] {
        unread.withLock { state in
            defer { state.descriptors = [] }
            return state.descriptors
        }
    }

    private func more(_ state: inout (bytes: [UInt8], descriptors: [Int32])) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var descriptors = [Int32](repeating: -1, count: max(0, Self.mostDescriptors))
        var number = 0
        var length: Int
        repeat {
            length = taskwatt_receive_descriptors(
                descriptor, &buffer, buffer.count, &descriptors, descriptors.count, &number)
        } while length == -Int(EINTR)
        state.descriptors += descriptors.prefix(number)
        guard length > 0 else { return false }
        state.bytes += buffer.prefix(length)
        return true
    }

    /// Tells the other side that this one has nothing more to say; what that says can still be read.
    func hangUp() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Waits for nothing more either; who waits in `receive` is told of the end.
    func abandon() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
