import Core
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
            return (count, count > 0 ? Self.parse(UnsafeRawBufferPointer(rebasing: buffer[..<count])) : nil)
        }
        if count < 0 { throw HostError(path: path, errno: errno) }
        guard let value else { throw HostError(path: path, malformed: count == 0 ? "nothing" : "no whole number") }
        return value
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        // An index and wrapping arithmetic: this is most of what a reading costs besides the system call.
        let isNegative = bytes[0] == UInt8(ascii: "-")
        let first = isNegative ? 1 : 0
        var index = first
        var value: UInt64 = 0
        while index < bytes.count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            // The first 18 digits cannot overflow.
            if index - first < 18 {
                value = value &* 10 &+ UInt64(digit)
            } else {
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
                guard !overflow, !carry, sum <= UInt64(Int64.max) else { return nil }
                value = sum
            }
            index &+= 1
        }
        guard index > first, index == bytes.count || bytes[index] == UInt8(ascii: "\n") || bytes[index] == 0 else {
            return nil
        }
        return isNegative ? -Int64(value) : Int64(value)
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
