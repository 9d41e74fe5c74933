import Glibc
import SystemPackage

/// An open file that holds one number. Reading it is one `pread` and allocates nothing.
package struct OpenCounter: ~Copyable {
    private let file: FileDescriptor
    private let path: String

    init(file: FileDescriptor, path: String) {
        self.file = file
        self.path = path
    }

    deinit { try? file.close() }

    /// The number in the file's first line.
    ///
    /// - Throws: `HostError` with the system's error, or `malformed` for a file that is empty or holds anything else.
    package func read() throws(HostError) -> Int64 {
        // 20 digits and a sign are the longest that a kernel prints.
        let (count, value) = withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { buffer in
            let count = pread(file.rawValue, buffer.baseAddress, buffer.count, 0)
            return (count, count > 0 ? Self.parse(buffer[..<count]) : nil)
        }
        if count < 0 { throw HostError(path: path, errno: errno) }
        guard let value else { throw HostError(path: path, malformed: count == 0 ? "nothing" : "no whole number") }
        return value
    }

    private static func parse(_ bytes: Slice<UnsafeMutableRawBufferPointer>) -> Int64? {
        var value: Int64 = 0
        var digits = 0
        var isNegative = false
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || byte == 0 { break }
            if byte == UInt8(ascii: "-"), digits == 0, !isNegative {
                isNegative = true
                continue
            }
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
            if overflow || carry { return nil }
            value = sum
            digits += 1
        }
        return digits == 0 ? nil : isNegative ? -value : value
    }
}

/// An open text file whose beginning is read again and again into the same memory.
package struct OpenText: ~Copyable {
    private let file: FileDescriptor
    private let path: String
    private let buffer: UnsafeMutableRawBufferPointer

    init(file: FileDescriptor, path: String) {
        self.file = file
        self.path = path
        buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
    }

    deinit {
        buffer.deallocate()
        try? file.close()
    }

    /// Hands the file's first 4 KiB to `body`, without allocating.
    package func read<Value>(_ body: (UnsafeRawBufferPointer) -> Value) throws(HostError) -> Value {
        let count = pread(file.rawValue, buffer.baseAddress, buffer.count, 0)
        if count < 0 { throw HostError(path: path, errno: errno) }
        return body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
}
