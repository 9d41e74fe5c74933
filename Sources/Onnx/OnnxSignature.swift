import COnnxRuntime
import Foundation

/// An input or output of a loaded model.
package struct OnnxValueInfo: Sendable, Hashable {
    package let name: String
    /// `nil` for what is no tensor, or a tensor of elements that are not in `ElementType`, such as texts.
    package let type: GraphBuilder.ElementType?
    /// A dimension that is known at run time only and has no name is called by its place, such as `pixel_values.0`.
    package let shape: [Dimension]

    package init(name: String, type: GraphBuilder.ElementType?, shape: [Dimension]) {
        self.name = name
        self.type = type
        self.shape = shape
    }
}

extension OnnxSession {
    /// What the model takes, in its own order.
    package var inputs: [OnnxValueInfo] {
        get throws(OnnxError) { try values(areOutputs: false) }
    }

    /// What the model gives, in its own order.
    package var outputs: [OnnxValueInfo] {
        get throws(OnnxError) { try values(areOutputs: true) }
    }

    private func values(areOutputs: Bool) throws(OnnxError) -> [OnnxValueInfo] {
        var counts = (inputs: 0, outputs: 0)
        try OnnxRuntime.check(tw_ort_session_counts(runtime.handle, handle, &counts.inputs, &counts.outputs))
        var infos: [OnnxValueInfo] = []
        for index in 0..<(areOutputs ? counts.outputs : counts.inputs) {
            var name: UnsafeMutablePointer<CChar>?
            var shape = TWOrtShape()
            let message = tw_ort_session_value(runtime.handle, handle, areOutputs ? 1 : 0, index, &name, &shape)
            let text = name.map { String(cString: $0) } ?? ""
            free(name)
            let symbols = shape.takeSymbols()
            try OnnxRuntime.check(message)
            let dimensions = shape.dimensions.enumerated().map { axis, size -> Dimension in
                if size >= 0 { return .fixed(size) }
                return .named(symbols[axis].isEmpty ? "\(text).\(axis)" : symbols[axis])
            }
            infos.append(
                OnnxValueInfo(
                    name: text, type: GraphBuilder.ElementType(rawValue: shape.element_type), shape: dimensions))
        }
        return infos
    }
}

extension OnnxTensor {
    /// The size of each dimension.
    package var shape: [Int] {
        get throws(OnnxError) {
            var shape = TWOrtShape()
            try OnnxRuntime.check(tw_ort_tensor_shape(runtime.handle, handle, &shape))
            return shape.dimensions
        }
    }
}

extension TWOrtShape {
    /// The sizes; −1 where it is not known.
    fileprivate var dimensions: [Int] {
        withUnsafeBytes(of: sizes) { $0.bindMemory(to: Int64.self).prefix(rank).map { Int($0) } }
    }

    /// The names of the dimensions, whose memory is freed.
    fileprivate func takeSymbols() -> [String] {
        withUnsafeBytes(of: symbols) { bytes in
            bytes.bindMemory(to: UnsafeMutablePointer<CChar>?.self).prefix(rank).map { symbol in
                guard let symbol else { return "" }
                defer { free(symbol) }
                return String(cString: symbol)
            }
        }
    }
}
