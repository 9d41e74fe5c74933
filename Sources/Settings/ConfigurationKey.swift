/// Everything that can be configured, each told once: its name, where it may be set, its default and its meaning.
///
/// One rule makes the other names from that of the key: a variable of the environment is `TASKWATT_` and the key in capitals, an option
/// of the command line the key with hyphens. `keep.samples` is `samples` in the section `keep` of `taskwatt.yaml`,
/// `TASKWATT_KEEP_SAMPLES` and `--keep-samples`.
package enum ConfigurationKey: String, CaseIterable, Sendable {
    case file = "config"
    case stateDirectory = "state_dir"
    case record
    case cacheDirectory = "cache_dir"
    case pluginPath = "plugin_path"
    case environments
    case pluginSockets = "plugin_sockets"
    case enginePath = "engine_path"
    case onnxRuntime = "onnxruntime"
    case nvml, amdsmi
    case siteSalt = "site_salt"
    case meters, overrides
    case keepSamples = "keep.samples"
    case keepMinutes = "keep.minutes"
    case keepHours = "keep.hours"
    case listen
    case listenTokenFile = "listen.token_file"
    case listenCertificate = "listen.certificate"
    case listenKey = "listen.key"
    case listenNames = "listen.names"
    case collectorURL = "collector.url"
    case collectorTokenFile = "collector.token_file"
    case collectorCAFile = "collector.ca_file"
    case collectorCertificate = "collector.certificate"
    case collectorKey = "collector.key"
    case collectorRedact = "collector.redact"
    case drop
    case dropRedact = "drop.redact"
    case collect
    case collectCertificate = "collect.certificate"
    case collectKey = "collect.key"
    case collectClientCA = "collect.client_ca"
    case collectPage = "collect.page_token_file"
    case collectMost = "collect.most_mib"

    /// Where a setting may come from, beside its default.
    package enum Layer: Sendable, Hashable {
        case file, environment, option
    }

    package struct Facts: Sendable, Hashable {
        package var layers: Set<Layer>
        /// A variable of systemd.exec(5) that counts where ours is not set.
        package var systemdVariable: String?
        package var `default`: String
        /// One sentence without its full stop.
        package var meaning: String

        package init(_ layers: Set<Layer>, systemd: String? = nil, default: String = "none", _ meaning: String) {
            self.layers = layers
            systemdVariable = systemd
            self.default = `default`
            self.meaning = meaning
        }
    }

    /// The table.
    package var facts: Facts {
        switch self {
        case .file:
            Facts(
                [.environment], default: "~/.config/taskwatt/taskwatt.yaml, else /etc/taskwatt/taskwatt.yaml",
                "The configuration file")
        case .stateDirectory:
            Facts(
                [.environment, .option], systemd: "STATE_DIRECTORY", default: "~/.local/state/taskwatt",
                "Where the record is kept, and the daemon's socket is")
        case .record:
            Facts(
                [.file, .environment, .option],
                "The PostgreSQL server whose record commands ask, in place of this machine's")
        case .cacheDirectory:
            Facts(
                [.environment], systemd: "CACHE_DIRECTORY", default: "~/.cache/taskwatt",
                "Where plugins keep model files")
        case .pluginPath:
            Facts([.environment], "Directories with plugins, looked through before the user's and the system's")
        case .environments:
            Facts([.environment], "A directory with virtual environments of plugins in Python, before the others")
        case .pluginSockets:
            Facts([.environment], "Where the sockets of the plugins' units are; without it plugins are child processes")
        case .enginePath: Facts([.environment], "Directories with ONNX Runtime, looked through before the others")
        case .onnxRuntime: Facts([.environment], "The library file of ONNX Runtime, in place of any that is found")
        case .nvml: Facts([.environment], "The library file of NVML, in place of the driver's")
        case .amdsmi: Facts([.environment], "The library file of AMD SMI, in place of ROCm's")
        case .siteSalt:
            Facts(
                [.environment], default: SiteSaltFile.standard,
                "The file with the site's salt, for the hash of a user's name in records of batch jobs")
        case .meters: Facts([.file], "Meters on the network")
        case .overrides: Facts([.file], "What the machine cannot tell of its meters")
        case .keepSamples:
            Facts([.file, .environment, .option], default: "7d", "How long every sample outside of runs is kept")
        case .keepMinutes:
            Facts([.file, .environment, .option], default: "90d", "How long each minute is kept after that")
        case .keepHours:
            Facts([.file, .environment, .option], default: "forever", "How long each hour is kept after that")
        case .listen: Facts([.file, .environment, .option], "The address and port of the listener on TCP")
        case .listenTokenFile: Facts([.file], "The file with the token of clients that may change things")
        case .listenCertificate: Facts([.file], "The PEM file with the listener's certificate")
        case .listenKey: Facts([.file], "The PEM file with the certificate's key")
        case .listenNames: Facts([.file], "Names of this machine beside its own")
        case .collectorURL: Facts([.file], "The collector that is to have the suites of this machine")
        case .collectorTokenFile: Facts([.file], "The file with this machine's token for the collector")
        case .collectorCAFile: Facts([.file], "The PEM file to verify the collector with, in place of the system's")
        case .collectorCertificate: Facts([.file], "The PEM file with this machine's certificate for the collector")
        case .collectorKey: Facts([.file], "The PEM file with that certificate's key")
        case .collectorRedact:
            Facts(
                [.file], default: "false", "Whether names, paths and addresses are left out of what the collector gets")
        case .drop: Facts([.file], "The shared directory that is to have the suites of this machine")
        case .dropRedact:
            Facts(
                [.file], default: "false", "Whether names, paths and addresses are left out of what the directory gets")
        case .collect: Facts([.file], "The address and port of the collector on this machine")
        case .collectCertificate: Facts([.file], "The PEM file with the collector's certificate")
        case .collectKey: Facts([.file], "The PEM file with the collector's key")
        case .collectClientCA: Facts([.file], "The PEM file that machines' certificates are verified with")
        case .collectPage: Facts([.file], "The file with the password of the collector's page")
        case .collectMost: Facts([.file], default: "256", "The largest bundle that the collector takes, in MiB")
        }
    }

    /// Of the environment.
    package var variable: String { "TASKWATT_" + rawValue.replacing(".", with: "_").uppercased() }

    /// Of the command line, with its hyphens.
    package var option: String { "--" + rawValue.replacing(".", with: "-").replacing("_", with: "-") }

    /// In its section of the file.
    package var field: String { rawValue.split(separator: ".").last.map(String.init) ?? rawValue }
}

/// A value as somebody wrote it, and where.
package struct Setting: Sendable, Hashable {
    package enum Origin: Sendable, Hashable, CustomStringConvertible {
        case standard
        /// File, line and column.
        case file(place: String)
        case environment(String)
        case option(String)

        package var description: String {
            switch self {
            case .standard: "default"
            case .file(let name), .environment(let name), .option(let name): name
            }
        }
    }

    package var text: String
    package var origin: Origin

    package init(_ text: String, _ origin: Origin) {
        self.text = text
        self.origin = origin
    }
}

/// Where settings come from, beside the file.
package struct ConfigurationLayers: Sendable {
    package var environment: [String: String]
    package var options: [ConfigurationKey: String]

    package init(environment: [String: String] = [:], options: [ConfigurationKey: String] = [:]) {
        self.environment = environment
        self.options = options
    }

    /// The one rule of precedence: option, environment, file, default. `nil` where only the default is left.
    package func setting(_ key: ConfigurationKey, file: Setting? = nil) -> Setting? {
        let facts = key.facts
        if facts.layers.contains(.option), let text = options[key] { return Setting(text, .option(key.option)) }
        if facts.layers.contains(.environment), let text = variable(key.variable) {
            return Setting(text, .environment(key.variable))
        }
        // systemd may name several directories.
        if let name = facts.systemdVariable, let text = variable(name)?.split(separator: ":").first {
            return Setting(String(text), .environment(name))
        }
        return facts.layers.contains(.file) ? file : nil
    }

    /// An empty variable is as good as none.
    package func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
}
