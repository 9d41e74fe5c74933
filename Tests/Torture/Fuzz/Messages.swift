import Core
import Foundation
import WorkloadProtocol

/// What a plugin may send, by every type that it may be, and out again as JSON.
func fuzzMessages(_ input: UnsafeRawBufferPointer) {
    let data = Data(input)
    func read<Value: Codable>(_ type: Value.Type) {
        guard let value = try? JSONDecoder().decode(type, from: data) else { return }
        _ = try? JSONEncoder().encode(value)
    }
    read(RPCResponse<InitializeResult>.self)
    read(RPCResponse<RunResult>.self)
    read(RPCRequest<ProgressParams>.self)
    read(RunResult.self)
    read(InitializeResult.self)
    read(JSONValue.self)
    read(RunRecord.self)
    if let value = try? JSONDecoder().decode(JSONValue.self, from: data) {
        _ = value.text
        _ = value.integerValue
        _ = value.withoutCredentials
    }
}
