import Foundation
import HTTPTypes
import Hummingbird
package import Listening
import NIOCore
import ServiceLifecycle
import Synchronization

/// Server-sent events, which a browser follows and comes back to by itself: HTML, section 9.2.
enum EventStream {
    /// A browser waits so long before it comes again, in milliseconds.
    private static let retry = 2000

    static func response(
        _ body: @escaping @concurrent @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        Response(
            status: .ok,
            // A proxy that collects the answer before it hands it on would never hand on this one.
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store",
                // trap: the name is a word of ours.
                HTTPField.Name("X-Accel-Buffering")!: "no",
            ],
            body: ResponseBody { writer in
                try await writer.write(ByteBuffer(string: "retry: \(retry)\n\n"))
                try await body(&writer)
                try await writer.finish(nil)
            })
    }

    static func event(_ value: some Encodable) throws -> ByteBuffer {
        var buffer = ByteBuffer(string: "data: ")
        buffer.writeBytes(try Response.encoder.encode(value))
        buffer.writeString("\n\n")
        return buffer
    }

    /// A comment, by which a connection is seen to live or not.
    static let nothing = ByteBuffer(string: ":\n\n")

    /// `false` once the daemon stops.
    static func sleep(_ duration: Duration) async -> Bool {
        let result: Void? = try? await cancelWhenGracefulShutdown { try await Task.sleep(for: duration) }
        return result != nil && !Task.isShuttingDownGracefully
    }
}

/// Counts those who have something that there are so many of, such as a connection that stays.
package final class Places: Sendable {
    private let most: Int
    private let what: String
    private let count = Mutex(0)

    /// - Parameter what: they do, for the message: `follow what happens`.
    package init(_ most: Int, _ what: String) {
        self.most = most
        self.what = what
    }

    /// The place goes with the value.
    package final class Place: Sendable {
        private let places: Places
        fileprivate init(_ places: Places) { self.places = places }
        deinit { places.count.withLock { $0 -= 1 } }
    }

    /// - Throws: `Refusal` with 503 when there are too many.
    package func place() throws(Refusal) -> Place {
        let isFree = count.withLock { count in
            guard count < most else { return false }
            count += 1
            return true
        }
        guard isFree else { throw .busy("\(most) others \(what) already", again: 10) }
        return Place(self)
    }
}
