import COnnxRuntime
import Foundation

extension OnnxTensor {
    /// Whether the elements are numbers: no NaN, and not infinite one and all. An infinity among others is none of a fault: a
    /// mask is one, and the logarithm of an impossible thing.
    ///
    /// - Parameter limit: so many elements are looked at, spread over all, so that to look costs nothing that could be measured.
    /// - Returns: `true` also for what has no elements, or none of floating point.
    package func holdsNumbers(lookingAt limit: Int = .max) -> Bool {
        var data: UnsafeMutableRawPointer?
        var count = 0
        var type: Int32 = 0
        // What is no tensor has no numbers of this kind.
        let message = tw_ort_tensor_data(runtime.handle, handle, &data, &count, &type)
        guard (try? OnnxRuntime.check(message)) != nil, let data, count > 0 else { return true }
        func look<Element>(_: Element.Type, _ value: (Element) -> Double) -> Bool {
            let elements = UnsafeBufferPointer(start: data.assumingMemoryBound(to: Element.self), count: count)
            let step = max(1, count / max(1, limit))
            var hasFinite = false
            for index in stride(from: 0, to: count, by: step) {
                let number = value(elements[index])
                if number.isNaN { return false }
                if number.isFinite { hasFinite = true }
            }
            return hasFinite
        }
        return withExtendedLifetime(self) {
            switch GraphBuilder.ElementType(rawValue: type) {
            case .float: look(Float.self) { Double($0) }
            case .double: look(Double.self) { $0 }
            case .float16: look(Float16.self) { Double($0) }
            case .bfloat16: look(UInt16.self) { Double(Float(bitPattern: UInt32(truncatingIfNeeded: $0) << 16)) }
            default: true
            }
        }
    }
}
