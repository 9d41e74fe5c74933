package import API
import Core
import Foundation
import Glibc
import Hardware
package import Host
package import Listening
package import Metering
package import PluginHosting
package import PolledMeters
import Recording
package import Reporting
package import Running
package import Service
import Synchronization

/// What a command is given of this machine and its configuration: where things are, and the meters, plugins and descriptions of the machine
/// that are made of them.
package struct Surroundings: Sendable {
    /// The process's own; a task can have another one, so that several commands can run in one process.
    @TaskLocal package static var environment = ProcessInfo.processInfo.environment

    private let layers: ConfigurationLayers
    private let reading = ConfigurationReading()
    /// The state directory as the command line names it.
    package let namedByOption: String?
    package let host = HostRoot()
    /// Of this program.
    package let version: String
    /// Tells the user what is worth knowing, and what is wrong and does not end the command.
    package let note, complain: @Sendable (String) -> Void

    /// - Parameters:
    ///   - stateDirectory: the one that the command line names.
    ///   - record: likewise, of a server.
    package init(
        version: String, stateDirectory: String? = nil, record: String? = nil,
        note: @escaping @Sendable (String) -> Void, complain: @escaping @Sendable (String) -> Void
    ) {
        var options: [ConfigurationKey: String] = [:]
        options[.stateDirectory] = stateDirectory
        options[.record] = record
        layers = ConfigurationLayers(environment: Self.environment, options: options)
        namedByOption = stateDirectory
        self.version = version
        self.note = note
        self.complain = complain
    }

    package static let systemState = StateDirectory(
        path: "/var/lib/taskwatt", socketPath: "/run/taskwatt/taskwatt.sock")

    // MARK: State

    /// The state directory that the user names, or systemd does for a service; `nil` for the default.
    /// Whether the user says where the state directory is.
    package var isStateNamed: Bool { namedState != nil }

    private var namedState: StateDirectory? {
        guard let setting = layers.setting(.stateDirectory) else { return nil }
        if case .environment("STATE_DIRECTORY") = setting.origin {
            let runtime = variable("RUNTIME_DIRECTORY")?.split(separator: ":").first.map(String.init)
            return StateDirectory(path: setting.text, socketPath: "\(runtime ?? setting.text)/taskwatt.sock")
        }
        let path = absolute(setting.text)
        return path == Self.systemState.path
            ? Self.systemState : StateDirectory(path: path, socketPath: "\(path)/taskwatt.sock")
    }

    private var userState: StateDirectory {
        let path = (variable("XDG_STATE_HOME") ?? "\(home)/.local/state") + "/taskwatt"
        // cron, su and sudo come without the variable, and the directory is there all the same: pam_systemd(8).
        let usual = "/run/user/\(getuid())"
        let runtimeDirectory = variable("XDG_RUNTIME_DIR") ?? (access(usual, W_OK | X_OK) == 0 ? usual : nil)
        let runtime = runtimeDirectory.map { "\($0)/taskwatt" }
        return StateDirectory(path: path, socketPath: "\(runtime ?? path)/taskwatt.sock")
    }

    /// Where this process keeps what it measures itself.
    package var ownState: StateDirectory { namedState ?? userState }

    /// Where a daemon may answer: the named place alone, else the user's own and then the system's.
    package var daemonStates: [StateDirectory] {
        namedState.map { [$0] } ?? [userState, Self.systemState]
    }

    /// The address of the server whose record is asked; `nil` for this machine's own record.
    package var recordAddress: String? {
        if let setting = layers.setting(.record) { return setting.text }
        // A file that is wrong, or not for this user's eyes, keeps nobody from the machine's own record.
        guard let file = try? configurationText() else { return nil }
        return Configuration(layers, file: file).record
    }

    // MARK: Plugins

    /// Where a user's own plugins are.
    package var ownPlugins: String { (variable("XDG_DATA_HOME") ?? "\(home)/.local/share") + "/taskwatt/plugins" }

    /// Directories of plugins, in order: `TASKWATT_PLUGIN_PATH`, the user's own, those installed beside the program, those
    /// of a checkout that the program was built in.
    package var pluginDirectories: [String] {
        var directories = (layers.setting(.pluginPath)?.text ?? "").split(separator: ":").map { absolute(String($0)) }
        directories.append(ownPlugins)
        directories += systemPlugins
        if let checkout { directories.append("\(checkout)/Plugins") }
        var seen: Set<String> = []
        return directories.filter { seen.insert($0).inserted }
    }

    /// Where only the system's administrator puts plugins.
    package var systemPlugins: [String] {
        let beside = URL(fileURLWithPath: programDirectory).appendingPathComponent("../lib/taskwatt/plugins")
            .standardized
        var seen: Set<String> = []
        return [beside.path, "/usr/local/lib/taskwatt/plugins", "/usr/lib/taskwatt/plugins"].filter {
            seen.insert($0).inserted
        }
    }

    /// The checkout that the program was built in; `nil` for an installed one.
    package var checkout: String? {
        var above = URL(fileURLWithPath: programDirectory)
        while above.path != "/" {
            let path = above.path
            if access("\(path)/Package.swift", F_OK) == 0, access("\(path)/Plugins", F_OK) == 0 { return path }
            above.deleteLastPathComponent()
        }
        return nil
    }

    /// Where this program lies, and still lies after an upgrade has replaced it: then the kernel adds ` (deleted)` to the name
    /// in `/proc/self/exe`, proc_pid_exe(5), and nothing can be resolved.
    package var programDirectory: String {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: link ?? CommandLine.arguments[0]).deletingLastPathComponent().path
    }

    package var cacheDirectory: String {
        if let path = layers.setting(.cacheDirectory)?.text { return absolute(path) }
        return (variable("XDG_CACHE_HOME") ?? "\(home)/.cache") + "/taskwatt"
    }

    /// Virtual environments of plugins in Python: `TASKWATT_ENVIRONMENTS`, the user's own, the system's.
    package var pythonEnvironments: PythonEnvironments {
        let own = (variable("XDG_DATA_HOME") ?? "\(home)/.local/share") + "/taskwatt/environments"
        let named = layers.setting(.environments).map { absolute($0.text) }
        return PythonEnvironments(directories: [named].compactMap { $0 } + [own] + systemEnvironments.directories)
    }

    package var systemEnvironments: PythonEnvironments {
        PythonEnvironments(directories: [
            "/usr/local/lib/taskwatt/environments", "/var/lib/taskwatt/environments", "/usr/lib/taskwatt/environments",
        ])
    }

    /// Where `taskwatt engine install` puts ONNX Runtime: for everybody and the service where root does it.
    package var engineDirectory: String {
        let own = (variable("XDG_DATA_HOME") ?? "\(home)/.local/share") + "/taskwatt/engines"
        return (geteuid() == 0 ? "/usr/local/lib/taskwatt/engines" : own) + "/onnxruntime"
    }

    package var plugins: PluginCatalogue { plugins(for: .ofThisUser) }

    private func plugins(for trust: PluginTrust) -> PluginCatalogue {
        PluginCatalogue(
            directories: pluginDirectories, programDirectory: programDirectory, environments: pythonEnvironments,
            trust: trust)
    }

    /// Plugins are children of this process unless its unit says otherwise (`Systemd/taskwatt.service`).
    package var pluginLauncher: PluginLauncher {
        layers.setting(.pluginSockets).map { .units(PluginUnits(socketsIn: absolute($0.text))) } ?? .child
    }

    /// Those of the system's daemon, without the user's own.
    package var installedPlugins: PluginCatalogue {
        PluginCatalogue(
            directories: pluginDirectories.filter { $0 != ownPlugins }, programDirectory: programDirectory,
            environments: pythonEnvironments)
    }

    /// A plugin that a user names, and where it is looked for.
    ///
    /// - Parameter text: its name, or its directory: a name has no slash, and a directory in this one is meant where it has a manifest.
    package func plugins(at text: String) -> (name: String, catalogue: PluginCatalogue) {
        guard text.contains("/") || FileManager.default.fileExists(atPath: "\(text)/plugin.yaml") else {
            return (text, plugins)
        }
        let directory = URL(fileURLWithPath: text).standardized
        return (
            directory.lastPathComponent,
            PluginCatalogue(
                directories: [directory.deletingLastPathComponent().path], programDirectory: programDirectory,
                environments: pythonEnvironments)
        )
    }

    /// - Parameter isDaemon: whether it runs what others ask it for.
    package func runnerContext(isDaemon: Bool = false) -> RunnerContext {
        RunnerContext(
            host: host, plugins: isDaemon ? plugins(for: PluginTrust(isStrict: true)) : plugins,
            hosting: PluginContext(cacheDirectory: cacheDirectory, version: version),
            accelerators: { NVML.system.states() })
    }

    // MARK: Meters

    /// Every meter of this machine and of its configuration.
    ///
    /// - Parameter configuration: what is configured of meters; `nil` to read it.
    /// - Throws: `YAMLProblem`, `UserError`, `UserError` for a configuration that cannot be used.
    package func meters(_ configuration: MeterConfiguration? = nil) async throws -> [MeterListing] {
        let configuration = try configuration ?? self.configuration().meters
        // What is learnt of them is kept there.
        if configuration.count > 0 { try? ownState.create() }
        let others = await PolledMeters.discover(
            host, configuration, silent: SilentDevices(directory: ownState.path))
        let (host, calibration) = (host, calibrations.first { $0.subject == .estimate })
        // Watching the counters of GPUs takes some tenths of a second.
        let all = await offPool { MeterCatalogue.discover(host, others: others, calibration: calibration) }
        let strangers = Self.strangers(configuration, all)
        for stranger in Self.told.withLock({ told in strangers.filter { told.insert($0.id).inserted } }) {
            complain("the configuration overrides \(stranger.problem)")
        }
        let doubles = all.filter(\.isDouble)
        for double in Self.told.withLock({ told in doubles.filter { told.insert($0.description.id).inserted } }) {
            guard case .unavailable(let reason, _) = double.availability else { continue }
            complain("\(double.description.id) is left out: \(reason)")
        }
        let listings = configuration.applyOverrides(to: all)
        return await offPool { examined(listings) }
    }

    /// What is overridden and is no meter of this machine, a line each. A mistyped id changes nothing.
    package func unknownOverrides(_ configuration: MeterConfiguration) async -> [String] {
        guard !configuration.overridden.isEmpty else { return [] }
        let others = await PolledMeters.discover(
            host, configuration, silent: SilentDevices(directory: ownState.path))
        let host = host
        let all = await offPool { MeterCatalogue.discover(host, others: others) }
        return Self.strangers(configuration, all).map(\.problem)
    }

    private static func strangers(
        _ configuration: MeterConfiguration, _ all: [MeterListing]
    ) -> [(id: String, problem: String)] {
        configuration.overridden.filter { all.named($0) == nil }.sorted().map { id in
            let former = all.formerly(id).map(\.description.id).joined(separator: ", ")
            let near = all.map(\.description.id).closest(to: id).map { "; did you mean \($0)?" } ?? ""
            return (
                id,
                former.isEmpty
                    ? "\(id), but there is no such meter here\(near)"
                    : "\(id), which stands for several meters; name one of them: \(former)"
            )
        }
    }

    /// The meters that stood the test at the door, with what anybody here has learnt of them.
    private func examined(_ listings: [MeterListing]) -> [MeterListing] {
        let own = ownState.path
        let before = MeterEvidenceFile(directory: own).read()
        let others = daemonStates.map(\.path).filter { $0 != own }
        let known = others.reduce(before) { known, directory in
            known.merging(MeterEvidenceFile(directory: directory).read()) { $0.lastSeen > $1.lastSeen ? $0 : $1 }
        }
        let (admitted, found) = Admission(host).examine(listings, known: known)
        // Where nothing was ever measured there is nothing to keep.
        if !found.isEmpty { try? ownState.create() }
        MeterEvidenceFile(directory: own).keep(
            before.merging(found) { $1 }, insteadOf: before, at: Clocks.wall())
        return admitted
    }

    /// Overrides that no meter here has, and meters that cannot be told from another, each of which is told once.
    private static let told = Mutex<Set<String>>([])

    /// The configuration file: `TASKWATT_CONFIG`, else the user's own, else the system's; `nil` where there is none.
    package var configurationFile: String? {
        if let path = layers.setting(.file)?.text { return absolute(path) }
        let own = (variable("XDG_CONFIG_HOME") ?? "\(home)/.config") + "/taskwatt/taskwatt.yaml"
        return [own, Self.systemConfiguration].first { access($0, F_OK) == 0 }
    }

    package static let systemConfiguration = "/etc/taskwatt/taskwatt.yaml"

    /// The file with what hashes of users' names are made with.
    package var siteSaltFile: String { absolute(layers.setting(.siteSalt)?.text ?? SiteSaltFile.standard) }

    /// All that is configured. A process that lives for long keeps it, as `CurrentConfiguration`.
    ///
    /// - Parameters:
    ///   - options: of the command line.
    ///   - isAnew: whether the file is read again; else it is as it was when it was first asked for.
    /// - Throws: `YAMLProblem`, `UserError` for the first that is wrong.
    package func configuration(
        _ options: [ConfigurationKey: String] = [:], readAnew isAnew: Bool = false
    ) throws -> Configuration {
        var layers = layers
        layers.options.merge(options) { $1 }
        if isAnew { reading.forget() }
        return try Configuration(layers, file: try configurationText()).checked()
    }

    /// The same for whoever wants to know all that is wrong.
    ///
    /// - Parameters:
    ///   - file: one that need not be what commands use; then nothing else counts. `nil` for the one that they use.
    ///   - files: looks into the files that the section of the listener names.
    /// - Throws: `UserError` for a file that cannot be read.
    package func configuration(
        of file: String?, checking files: ListenerConfiguration.FileCheck? = nil
    ) throws -> Configuration {
        guard let file else { return Configuration(layers, file: try configurationText(), checking: files) }
        do throws(BoundedFileError) {
            return Configuration(file: (file, try BoundedFile.text(file)), checking: files)
        } catch {
            throw UserError(.failed, "\(file) cannot be read: \(error.reason)")
        }
    }

    /// Who writes the configuration says which meters are believed, where secrets are sent, and who may ask.
    private static func refuseOpen(configuration file: String) throws {
        if let openness = FileOwners.openness(of: file) {
            throw UserError(.notAllowed, "the configuration \(file) is not used: \(openness)")
        }
    }

    /// The path and the text of the configuration file; `nil` where there is none.
    private func configurationText() throws -> ConfigurationReading.File? {
        try reading.file {
            guard let file = configurationFile else { return nil }
            try Self.refuseOpen(configuration: file)
            do throws(HostError) {
                return (file, String(decoding: try host.readBytes(file), as: UTF8.self))
            } catch {
                throw UserError(
                    .failed, "the configuration \(file) cannot be read: \(error.reason)",
                    remedy: "name another in \(ConfigurationKey.file.variable)")
            }
        }
    }

    /// The calibrations of this machine: the user's own, and the system's for what those do not have.
    package var calibrations: [Calibration] {
        var all: [Calibration] = []
        for directory in [ownState, Self.systemState] {
            do {
                let found = try CalibrationFile(directory: directory.path).read()
                all += found.filter { new in !all.contains { $0.subject == new.subject } }
            } catch {
                complain("\(error)")
            }
        }
        return all
    }

    /// The measured peaks by the fingerprints of machines: the user's own, and the system's for devices and precisions that those do not have.
    package var peaks: [String: [DevicePeak]] {
        PeakFile.read([ownState.path, Self.systemState.path]) { complain($0) }
    }

    // MARK: The machine

    private static let machineEncoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    private var inventory: String {
        get throws {
            String(decoding: try Self.machineEncoder.encode(Inventory.discover(host).permanent), as: UTF8.self)
        }
    }

    private static var machineName: String { ProcessInfo.processInfo.hostName }

    /// By which the record knows this machine.
    package var machineName: String { Self.machineName }

    /// Of this machine, as the record tells it from others.
    package var fingerprint: String {
        get throws { MachineFingerprint.of(machineName: Self.machineName, inventory: try inventory) }
    }

    package func machineRecord() throws -> MachineRecord {
        let (inventory, name) = (try inventory, Self.machineName)
        let fingerprint = MachineFingerprint.of(machineName: name, inventory: inventory)
        let (host, calibrations) = (host, calibrations)
        let directories = [ownState.path, Self.systemState.path]
        // Looked at each time: a daemon runs for months.
        let peaks = { @Sendable in PeakFile.read(directories) { _ in } }
        return MachineRecord(name: name, inventory: inventory, peaks: peaks) {
            let state = try? Self.machineEncoder.encode(
                StateDocument(
                    machine: MachineState(host), calibrations: calibrations, accelerators: NVML.system.states(),
                    peaks: peaks()[fingerprint] ?? []))
            return state.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        }
    }

    /// What the record keeps of the machine's state, in one JSON object.
    private struct StateDocument: Encodable {
        var machine: MachineState
        var calibrations: [Calibration]
        var accelerators: [AcceleratorState]
        var peaks: [DevicePeak]

        enum CodingKeys: String, CodingKey {
            case calibrations, accelerators
            case peaks = "device_peaks"
        }

        func encode(to encoder: any Encoder) throws {
            try machine.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(calibrations, forKey: .calibrations)
            try container.encode(accelerators, forKey: .accelerators)
            if !peaks.isEmpty { try container.encode(peaks, forKey: .peaks) }
        }
    }

    // MARK: Helpers

    private func variable(_ name: String) -> String? { layers.variable(name) }

    private var home: String { variable("HOME") ?? NSHomeDirectory() }

    private func absolute(_ path: String) -> String {
        let expanded = (path as NSString).expandingTildeInPath
        let url = URL(fileURLWithPath: expanded).standardized
        return url.path.count > 1 && url.path.hasSuffix("/") ? String(url.path.dropLast()) : url.path
    }
}
