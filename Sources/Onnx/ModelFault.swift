import Foundation

/// What the engine's long messages on a model say, in words for somebody who did not write the engine.
enum ModelFault {
    /// - Parameters:
    ///   - message: the engine's, in one line.
    ///   - engine: its name and version.
    static func cause(_ message: String, engine: String) -> String {
        // "Opset 99 is under development … Current official support for domain ai.onnx is till opset 28."
        if let opset = text(in: message, from: "Opset ", to: " is under development"),
            let domain = text(in: message, from: "support for domain ", to: " is till opset "),
            let limit = text(in: message, from: " is till opset ", to: ".")
        {
            return "it is of opset \(opset) of \(domain), and \(engine) knows up to \(limit)"
        }
        // "Unsupported model IR version: 99, max supported IR version: 14"
        if let version = text(in: message, from: "Unsupported model IR version: ", to: ","),
            let limit = text(in: message, from: "max supported IR version: ", to: nil)
        {
            return "it is of IR version \(version), and \(engine) knows up to \(limit)"
        }
        // "No Op registered for Nonsense with domain_version of 17"
        if let name = text(in: message, from: "No Op registered for ", to: " with domain_version of "),
            let opset = text(in: message, from: " with domain_version of ", to: nil)
        {
            return "\(engine) has no operator \(name) in opset \(opset)"
        }
        // "Fatal error: my.own:Foo(-1) is not a registered function/op"
        if let name = text(in: message, from: "Fatal error: ", to: " is not a registered function/op") {
            return "\(engine) has no operator \(name.prefix { $0 != "(" })"
        }
        // "Load model from … failed:" only repeats the path.
        if message.hasPrefix("Load model from "), let end = message.range(of: " failed:")?.upperBound {
            return "\(engine): \(message[end...])"
        }
        return "\(engine): \(message)"
    }

    /// Why a device cannot be used, from the engine's message.
    ///
    /// "…::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library /x.so with error: y.so: cannot …"
    static func deviceCause(_ message: String) -> String {
        guard let library = text(in: message, from: "Failed to load library ", to: " with error: "),
            let reason = message.range(of: " with error: ")
        else { return message }
        return "\((library as NSString).lastPathComponent) cannot be loaded: \(message[reason.upperBound...])"
    }

    /// What is between two texts, or from the first to the end of the word.
    private static func text(in message: String, from first: String, to last: String?) -> String? {
        guard let start = message.range(of: first)?.upperBound else { return nil }
        let rest = message[start...]
        guard let last else { return String(rest.prefix { !$0.isWhitespace }) }
        guard let end = rest.range(of: last)?.lowerBound else { return nil }
        return String(rest[..<end])
    }
}
