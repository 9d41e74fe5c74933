import Core

/// CSV of another program, record by record; what is wrong in one does not keep from the next.
@_cdecl("LLVMFuzzerTestOneInput") public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: bytes, count: count))
    guard var reader = try? CSVReader(bytes, file: "fuzz.csv") else { return 0 }
    // Each call reads something on, or it would never end.
    for _ in 0...count + 1 {
        do throws(ImportProblem) {
            guard let record = try reader.next() else { return 0 }
            precondition(record.line >= 1)
        } catch {
            continue
        }
    }
    preconditionFailure("it does not come to an end")
}
