package import Foundation
package import HTTPTypes
package import Hummingbird
import NIOCore

extension Response {
    /// How all answers in JSON are written: with their keys in order, so that the same answer is the same text.
    package static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    package init(json value: some Encodable, status: HTTPResponse.Status = .ok) throws {
        self.init(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try Self.encoder.encode(value))))
    }
}
