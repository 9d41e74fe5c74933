import Core
import Foundation

#if !LIBFUZZER
@testable import Exchange
import Reporting
import Recording
import Running
@testable import Service
#endif

private let paths = JSONPaths([
    "a", "b.c", "b.d", "energy.total.energy_j", "energy.domains", "workload.parameters", "flags", "metrics",
    "a.b.c.d.e",
])
private let inner = JSONPaths(["name", "energy_j", "value"])

/// JSON by the scanner that takes values out of records, which finds only what is there, and as what bodies of requests are read.
func fuzzJSON(_ input: UnsafeRawBufferPointer) {
    _ = JSONScanner.isObject(Array(input)[...])
    scan(input)

    let data = Data(input)
    read([ImportBatch].self, data) { batches in for batch in batches { _ = batch.outOfBounds } }
    read(RunRecord.self, data) { _ = $0.outOfBounds }
    read(JSONValue.self, data) { _ = $0.text }
    #if !LIBFUZZER
    read(JobRequest.self, data) { _ in }
    read(SessionRequest.self, data) { _ in }
    read(Comparison.Request.self, data) { _ in }
    read(RunFilter.self, data) { _ = $0.query }
    #endif
}

private func read<Value: Codable>(_ type: Value.Type, _ data: Data, _ look: (Value) -> Void) {
    guard let value = try? JSONDecoder().decode(type, from: data) else { return }
    look(value)
    _ = try? JSONEncoder().encode(value)
}

private func scan(_ input: UnsafeRawBufferPointer) {
    let text = JSONText(bytes: input)
    var scanner = JSONScanner(bytes: input, range: 0..<input.count)
    var found: [Range<Int>] = []
    // As in an export: one document after the other.
    for _ in 0..<4 {
        guard paths.find(in: &scanner, &found) else { break }
        for range in found { said(by: text, range, input) }
    }
    precondition(scanner.position <= input.count)
    var values = JSONScanner(bytes: input, range: 0..<input.count)
    for _ in 0..<100 {
        guard let range = values.value() else { break }
        said(by: text, range, input)
        _ = values.take(UInt8(ascii: ","))
    }
}

private func said(by text: JSONText, _ range: Range<Int>, _ input: UnsafeRawBufferPointer) {
    precondition(range.upperBound <= input.count)
    guard !range.isEmpty else { return }
    var found: [Range<Int>] = []
    var said: [UInt8] = []
    text.append(range, to: &said)
    text.appendList(range, to: &said)
    text.appendObjects(range, inner, Array(":=".utf8), &found, to: &said)
    text.appendMembers(range, to: &said)
    guard let number = text.number(range), range.count < 400,
        let other = try? JSONDecoder().decode(Double.self, from: Data(input[range]))
    else { return }
    precondition(number == other, "\(String(decoding: input[range], as: UTF8.self)) is \(other), not \(number)")
}
