/// An `.npz` as an archive, all of its files unpacked.
@_cdecl("LLVMFuzzerTestOneInput") public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    _ = try? ZIPArchive(Array(UnsafeBufferPointer(start: bytes, count: count))).files
    return 0
}
