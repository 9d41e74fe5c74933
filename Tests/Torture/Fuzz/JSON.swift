import Core
import Foundation

#if !LIBFUZZER
@testable import API
@testable import Exchange
import Reporting
import Recording
import Running
@testable import Service
#endif

/// JSON as what records, files and bodies of requests are read.
func fuzzJSON(_ input: UnsafeRawBufferPointer) {
    let data = Data(input)
    read([ImportBatch].self, data) { batches in for batch in batches { _ = batch.outOfBounds } }
    read(RunRecord.self, data) { _ = $0.outOfBounds }
    read(JSONValue.self, data) { _ = $0.text }
    #if !LIBFUZZER
    read(JobRequest.self, data) { _ in }
    read(SessionRequest.self, data) { _ in }
    read(Comparison.Request.self, data) { _ in }
    read(RunFilter.self, data) { _ = $0.pairs }
    #endif
}

private func read<Value: Codable>(_ type: Value.Type, _ data: Data, _ look: (Value) -> Void) {
    guard let value = try? JSONDecoder().decode(type, from: data) else { return }
    look(value)
    _ = try? JSONEncoder().encode(value)
}
