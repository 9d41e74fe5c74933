import Core
import YAMLReading

/// YAML as all files of ours are read: with its bounds, as mappings, lists and JSON.
@_cdecl("LLVMFuzzerTestOneInput") public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    guard let reader = try? YAMLReader(text: text, file: "fuzz.yaml") else { return 0 }
    _ = try? reader.json()
    _ = try? reader.parameters()
    _ = try? reader.integer(0...10)
    _ = try? reader.number(0...10)
    for entry in (try? reader.entries()) ?? [] { _ = try? entry.value.list() }
    return 0
}
