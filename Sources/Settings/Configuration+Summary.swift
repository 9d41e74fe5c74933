import API
import Collecting
import Core
import Forwarding
import Listening
import PolledMeters
import Recording
import YAMLReading

extension Configuration {
    /// All that is wrong, in the order of the file.
    package var problemsByPlace: [any Error] {
        func place(_ problem: any Error) -> (Int, Int) {
            let problem = problem as? YAMLProblem
            return (problem?.line ?? 0, problem?.column ?? 0)
        }
        return problems.sorted { place($0) < place($1) }
    }

    /// How many errors there are in the file, and how many elsewhere.
    package func problemCount(in path: String) -> String {
        let inFile = problems.count { $0 is YAMLProblem }
        return [(inFile, "in \(path)"), (problems.count - inFile, "in the environment or the options")]
            .filter { $0.0 > 0 }.map { "\(FigureText.count($0.0, "error")) \($0.1)" }.joined(separator: ", ")
    }

    /// What was read of each section, a line for each.
    package var summary: String {
        func list(_ names: [String]) -> String {
            names.isEmpty ? "none" : names.map(PrintableText.of).joined(separator: ", ")
        }
        var listen = ["none: only the Unix socket"]
        if let listener {
            listen = [
                listener.address.description,
                listener.tokenFile == nil ? "no token: for reading" : "full access with the token",
                listener.tls == nil ? "HTTP in the clear" : "TLS",
            ]
            if !listener.names.isEmpty { listen.append("names \(list(listener.names))") }
        }
        return """
            meters     \(list(meters.ids))
            overrides  \(list(meters.overridden.sorted()))
            listen     \(listen.joined(separator: "; "))
            keep       samples \(DurationText.exact(retention.samples)), minutes \(DurationText.exact(retention.minutes)), hours \(retention.hours.map(DurationText.exact) ?? "forever")

            """ + rareSections
    }

    /// The same of the sections that few have; no line for one that is not there.
    private var rareSections: String {
        var lines: [String] = []
        if let record { lines.append("record     \(PrintableText.of(record))") }
        if let collector = forwarding.collector {
            let credential = collector.tokenFile == nil ? "with a certificate" : "with a token"
            lines.append(
                "collector  \(PrintableText.of(collector.address.url)); \(credential)\(collector.isRedacted ? "; redacted" : "")"
            )
        }
        if let drop = forwarding.drop {
            lines.append("drop       \(PrintableText.of(drop.directory))\(drop.isRedacted ? "; redacted" : "")")
        }
        if let collector {
            let clients = collector.clientCA == nil ? "tokens" : "tokens and certificates"
            lines.append(
                "collect    \(collector.address); \(collector.tls == nil ? "HTTP in the clear" : "TLS"); \(clients)")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension Surroundings {
    /// A setting as `taskwatt config show` tells it.
    package struct ShownSetting: Encodable, Sendable {
        package var setting: String
        package var value: String
        package var from: String
        package var meaning: String
    }

    /// Every setting with its value, and where that is from.
    ///
    /// - Throws: `YAMLProblem`, `UserError` for the first that is wrong.
    package func shownSettings() throws -> [ShownSetting] {
        let configuration = try configuration()
        return ConfigurationKey.allCases.map { key in
            let value: String? =
                switch key {
                case .file: configurationFile
                case .stateDirectory: ownState.path
                case .cacheDirectory: cacheDirectory
                case .siteSalt: siteSaltFile
                default: configuration.settings[key]?.text
                }
            return ShownSetting(
                setting: key.rawValue, value: value ?? key.facts.default,
                from: "\(configuration.settings[key]?.origin ?? .standard)", meaning: key.facts.meaning)
        }
    }
}
