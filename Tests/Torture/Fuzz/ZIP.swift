#if !LIBFUZZER
@testable import onnx_model
#endif

/// An `.npz` as an archive, all of its files unpacked.
func fuzzZIP(_ input: UnsafeRawBufferPointer) {
    _ = try? ZIPArchive(Array(input)).files
}
