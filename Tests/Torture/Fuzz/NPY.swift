import Onnx

#if !LIBFUZZER
@testable import onnx_model
#endif

/// Arrays of NumPy's, an `.npy` or an `.npz` full of them, as the plugin onnx-model takes a model's inputs.
func fuzzNPY(_ input: UnsafeRawBufferPointer) {
    FuzzFile.with(input) { path in
        guard let arrays = try? NPYArray.read(path) else { return }
        // What is handed to the engine by its address is as long as it says.
        for array in arrays.values {
            let bytes = array.shape.reduce(InputMaker.stride(array.type)) { bytes, size in
                let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
                return overflow ? -1 : product
            }
            precondition(bytes == array.bytes.count, "\(array.shape) of \(array.type) in \(array.bytes.count) bytes")
        }
    }
}
