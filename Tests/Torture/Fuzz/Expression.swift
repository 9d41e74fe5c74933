/// The name of a dimension in a model, which may be a calculation; its value at extreme sizes.
@_cdecl("LLVMFuzzerTestOneInput") public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    guard let expression = DimensionExpression(text) else { return 0 }
    for size in [0, 1, -1, 7, Int.max, Int.min] {
        _ = expression.value(Dictionary(uniqueKeysWithValues: expression.variables.map { ($0, size) }))
    }
    return 0
}
