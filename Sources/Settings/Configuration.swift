import API
package import Collecting
import Core
package import Forwarding
package import Listening
package import PolledMeters
import Postgres
package import Recording
import Synchronization
import YAMLReading

/// All that is configured, read once: the defaults, the file over them, the environment over the file, and options over all.
///
/// Reading goes on after what is wrong, so that `taskwatt config check` tells all of it; whoever goes by the configuration takes
/// `checked()`.
package struct Configuration: Sendable {
    package private(set) var meters = MeterConfiguration()
    package private(set) var retention = RetentionPolicy()
    /// `nil`: the daemon answers on its Unix socket alone.
    package private(set) var listener: ListenerConfiguration?
    /// Who is to have the suites of this machine.
    package private(set) var forwarding = ForwardingConfiguration()
    /// `nil`: this machine is no collector.
    package private(set) var collector: CollectorConfiguration?
    /// The address of the server whose record commands ask; `nil` for this machine's own record.
    package private(set) var record: String?
    /// What is set, and where; what is not there has its default.
    package private(set) var settings: [ConfigurationKey: Setting] = [:]
    /// All that is wrong: `YAMLProblem` of the file, `UserError` of the environment and the options.
    package private(set) var problems: [any Error] = []

    /// - Parameters:
    ///   - file: the path and text of the file; `nil` where there is none.
    ///   - files: looks into the files that the section of the listener names.
    package init(
        _ layers: ConfigurationLayers = ConfigurationLayers(), file: (path: String, text: String)? = nil,
        checking files: ListenerConfiguration.FileCheck? = nil
    ) {
        var problems: [any Error] = []
        var sections: [String: YAMLReader] = [:]
        if let file {
            do throws(YAMLProblem) {
                sections = try ConfigurationFile.sections(text: file.text, file: file.path) { problems.append($0) }
            } catch { problems.append(error) }
        }
        meters = MeterConfiguration.read(sections) { problems.append($0) }
        for (key, count) in [(ConfigurationKey.meters, meters.count), (.overrides, meters.overridden.count)] {
            if let section = sections[key.field] { settings[key] = Setting("\(count)", .file(place: section.place)) }
        }
        listener = ListenerConfiguration.read(sections, checking: files) { problems.append($0) }
        forwarding = ForwardingConfiguration.read(sections) { problems.append($0) }
        collector = CollectorConfiguration.read(sections) { problems.append($0) }
        var keep: [String: YAMLReader] = [:]
        if let section = sections["keep"] {
            do throws(YAMLProblem) {
                keep = try section.mapping(keys: ConfigurationKey.keep.map(\.field)) { problems.append($0) }
            } catch { problems.append(error) }
        }
        self.problems = problems
        for key in ConfigurationKey.keep {
            take(key, keep[key.field], layers) { $0.retention.set(key, $1) }
        }
        takeListener(sections["listen"], layers)
        note(ConfigurationKey.collectorKeys, of: sections["collector"])
        note([.dropRedact], of: sections["drop"])
        note(ConfigurationKey.collectKeys, of: sections["collect"])
        for (key, section, value) in [
            (ConfigurationKey.drop, sections["drop"], forwarding.drop?.directory),
            (.collect, sections["collect"], collector.map { "\($0.address)" }),
        ] {
            if let section, let value { settings[key] = Setting(value, .file(place: section.place)) }
        }
        take(.record, sections[ConfigurationKey.record.field], layers) { configuration, text in
            configuration.record = text
            do throws(PostgresError) { _ = try PostgresAddress(text) } catch {
                // Where libpq is missing whoever asks the server is told.
                return error.kind == .library ? nil : error.description
            }
            return nil
        }
        for key in ConfigurationKey.allCases where !key.facts.layers.contains(.file) {
            settings[key] = layers.setting(key)
        }
    }

    /// Takes a setting from the layer with the most weight. What stands in the file is looked at in any case: where it counts for
    /// nothing today, it is wrong all the same.
    ///
    /// - Parameter apply: sets it, and says what is wrong with it.
    private mutating func take(
        _ key: ConfigurationKey, _ field: YAMLReader?, _ layers: ConfigurationLayers,
        _ apply: (_ configuration: inout Configuration, _ text: String) -> String?
    ) {
        var inFile: Setting?
        if let field {
            do throws(YAMLProblem) {
                let text = try field.string()
                if let wrong = apply(&self, text) { throw field.problem(wrong) }
                inFile = Setting(text, .file(place: field.place))
            } catch { problems.append(error) }
        }
        settings[key] = layers.setting(key, file: inFile)
        guard let setting = settings[key], setting != inFile, let wrong = apply(&self, setting.text) else { return }
        problems.append(UserError(.usage, "\(setting.origin): \(wrong)"))
    }

    /// What a section of the file says, and of which nothing can come from elsewhere.
    private mutating func note(_ keys: [ConfigurationKey], of section: YAMLReader?) {
        guard let fields = try? section?.entries() else { return }
        for key in keys {
            guard let field = fields.first(where: { $0.key == key.field })?.value, let text = try? field.string() else {
                continue
            }
            settings[key] = Setting(text, .file(place: field.place))
        }
    }

    /// The address may come from elsewhere; all else of the listener is the file's.
    private mutating func takeListener(_ section: YAMLReader?, _ layers: ConfigurationLayers) {
        let fields = section.flatMap { section in
            try? section.mapping(keys: ListenerConfiguration.keys) { _ in }
        }
        for key in [ConfigurationKey.listenTokenFile, .listenCertificate, .listenKey, .listenNames] {
            guard let field = fields?[key.field] else { continue }
            let text = (try? field.string()) ?? listener?.names.joined(separator: ", ") ?? ""
            settings[key] = Setting(text, .file(place: field.place))
        }
        let inFile = listener.flatMap { listener in
            (fields?["address"] ?? section).map { Setting("\(listener.address)", .file(place: $0.place)) }
        }
        settings[.listen] = layers.setting(.listen, file: inFile)
        guard let setting = settings[.listen], setting != inFile else { return }
        do throws(UserError) {
            let address = try ListenAddress(setting.text)
            listener = listener ?? ListenerConfiguration(address: address)
            listener?.address = address
        } catch {
            problems.append(error.at("\(setting.origin)"))
        }
    }

    /// The configuration, for whoever goes by it.
    ///
    /// - Throws: the first of `problems` by its place.
    package func checked() throws -> Configuration {
        if let first = problemsByPlace.first { throw first }
        return self
    }
}

extension ConfigurationKey {
    package static let keep: [ConfigurationKey] = [.keepSamples, .keepMinutes, .keepHours]
    package static let collectorKeys: [ConfigurationKey] = [
        .collectorURL, .collectorTokenFile, .collectorCAFile, .collectorCertificate, .collectorKey, .collectorRedact,
    ]
    package static let collectKeys: [ConfigurationKey] = [
        .collectCertificate, .collectKey, .collectClientCA, .collectPage, .collectMost,
    ]
}

/// The configuration of a process that lives for long: read when it starts, and again when it is asked to.
package final class CurrentConfiguration: Sendable {
    private let read: @Sendable () throws -> Configuration
    private let current: Mutex<Configuration>

    /// - Throws: what `read` throws.
    package init(_ read: @escaping @Sendable () throws -> Configuration) throws {
        self.read = read
        current = Mutex(try read())
    }

    package var value: Configuration { current.withLock { $0 } }

    /// Reads it again. Where that fails, all stays as it is.
    ///
    /// - Throws: what `read` throws.
    package func reload() throws {
        let new = try read()
        current.withLock { $0 = new }
    }
}
