#if !LIBFUZZER
@testable import onnx_model
#endif

/// The name of a dimension in a model, which may be a calculation; its value at extreme sizes.
func fuzzExpression(_ input: UnsafeRawBufferPointer) {
    let text = String(decoding: input, as: UTF8.self)
    guard let expression = DimensionExpression(text) else { return }
    for size in [0, 1, -1, 7, Int.max, Int.min] {
        _ = expression.value(Dictionary(uniqueKeysWithValues: expression.variables.map { ($0, size) }))
    }
}
