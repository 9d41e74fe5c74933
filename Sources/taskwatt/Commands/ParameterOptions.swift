import ArgumentParser
import Core
import Host
import Onnx

/// What the command line says of a plugin's parameters: `--set`, and the parameters that most plugins have by their names.
struct ParameterOptions: ParsableArguments {
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "A plugin parameter; a value that begins with ./, ../ or ~/ is a path.", valueName: "name=value"))
    var parameters: [String] = []

    @Option(help: "The parameter precision: the number format of the model.")
    var precision: Precision?

    @Option(help: "The parameter threads: CPU threads for one operator.")
    var threads: Int?

    @Option(help: "The parameter batch: queries per inference call; --count still counts queries.")
    var batch: Int?

    @Option(help: "The parameter size: full is the published size, tiny is for tests.")
    var size: Size?

    @Option(help: "The parameter steps: steps of a diffusion model.")
    var steps: Int?

    @Option(help: "The parameter url: the address of the server, for the plugin openai.")
    var url: String?

    @Option(help: "The parameter api_key_file: a file with the key of the server.", completion: .file())
    var apiKeyFile: String?

    @Option(help: "The parameter command: a line for /bin/sh, for the plugin command.")
    var command: String?

    @Option(
        name: .customLong("dim"),
        help: ArgumentHelp(
            "A dimension of the model, for the plugin onnx-model, such as sequence=128; may be given several times.",
            valueName: "name=value"))
    var dimensions: [String] = []

    enum Size: String, ExpressibleByArgument, CaseIterable {
        case full, tiny
    }

    func validate() throws { _ = try values() }

    /// The parameters by name.
    ///
    /// - Throws: `ValidationError` for what cannot be, or is given twice.
    func values() throws -> [String: JSONValue] {
        func check(_ value: Int?, _ name: String, from least: Int) throws {
            if let value, !(least...1_000_000).contains(value) {
                throw ValidationError("--\(name) must be from \(least) to 1000000.")
            }
        }
        try check(threads, "threads", from: 0)
        try check(batch, "batch", from: 1)
        try check(steps, "steps", from: 1)
        var values: [String: JSONValue] = [:]
        values["precision"] = precision.map { .string($0.rawValue) }
        values["threads"] = threads.map { .integer(Int64($0)) }
        values["batch"] = batch.map { .integer(Int64($0)) }
        values["size"] = size.map { .string($0.rawValue) }
        values["steps"] = steps.map { .integer(Int64($0)) }
        values["url"] = url.map(JSONValue.string)
        values["api_key_file"] = apiKeyFile.map { .string(UserPath.absolute($0)) }
        values["command"] = command.map(JSONValue.string)
        if !dimensions.isEmpty { values["dims"] = .string(dimensions.joined(separator: ",")) }
        for parameter in parameters {
            let (name, text) = try Self.split(parameter, of: "set")
            if values[name] != nil { throw ValidationError("the parameter \(name) is given twice.") }
            // A line for the shell may begin with a path, and is none.
            values[name] = name == "command" ? .string(text) : Self.value(text)
        }
        return values
    }

    /// A parameter's name and value, as an option takes them.
    static func split(_ parameter: String, of option: String) throws -> (name: String, value: String) {
        guard let equals = parameter.firstIndex(of: "="), equals > parameter.startIndex else {
            throw ValidationError("--\(option) takes name=value, such as --\(option) threads=1, not '\(parameter)'.")
        }
        return (String(parameter[..<equals]), String(parameter[parameter.index(after: equals)...]))
    }

    private static func value(_ text: String) -> JSONValue {
        if let integer = Int64(text) { return .integer(integer) }
        if let number = Double(text), number.isFinite { return .number(number) }
        if let bool = Bool(text) { return .bool(bool) }
        return .string(UserPath.model(text))
    }
}
