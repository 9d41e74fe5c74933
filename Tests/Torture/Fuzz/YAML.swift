import Core
import YAMLReading

/// YAML as all files of ours are read: with its bounds, as mappings, lists and JSON.
func fuzzYAML(_ input: UnsafeRawBufferPointer) {
    let text = String(decoding: input, as: UTF8.self)
    guard let reader = try? YAMLReader(text: text, file: "fuzz.yaml") else { return }
    _ = try? reader.json()
    _ = try? reader.parameters()
    _ = try? reader.integer(0...10)
    _ = try? reader.number(0...10)
    for entry in (try? reader.entries()) ?? [] { _ = try? entry.value.list() }
}
