import Core
import Recording

/// The plugin, program, engine and settings that a figure is of: beside task, machine, scope and provenance, all that keeps it apart from
/// others of its task.
struct RunIdentity: Hashable {
    var plugin: String
    var size: String?
    /// Device, precision, batch and those of the plugin's parameters that have to do with the task.
    var setup: [String: String]
    /// With its version.
    var engine: String?
    var programSHA256: String?
    /// Of the files of each model.
    var modelSHA256: [String: String]

    init(_ row: TableReport.Row) {
        plugin = row.plugin
        size = row.size
        setup = row.setup
        engine = row.engine
        programSHA256 = row.programSHA256
        modelSHA256 = row.modelSHA256
    }

    init(_ workload: WorkloadDescription) {
        plugin = workload.plugin
        size = workload.size
        setup = workload.parameters
            .filter { name, _ in name != "size" && TaskParameters.matters(name, to: workload.task) }
            .mapValues(\.text)
        setup["device"] = workload.device
        setup["precision"] = workload.precision
        setup["batch"] = String(workload.batch)
        engine = workload.engine
        programSHA256 = workload.programSHA256
        modelSHA256 = workload.modelSHA256.map { [workload.model ?? workload.plugin: $0] } ?? [:]
    }
}

/// What figures of one task differ in. Tables, pictures and the report name it by the same words.
struct RunDifferences {
    /// Of one plugin.
    private struct Versions {
        var engines: Set<String?> = []
        var programs: Set<String> = []
    }

    /// A file of the model of one setting; another precision is another file, of course.
    private struct FileName: Hashable {
        var plugin: String
        var size: String?
        var setup: [String: String]
        var model: String
    }

    private var values: [String: Set<String>] = [:]
    /// How many have the setting at all.
    private var counts: [String: Int] = [:]
    private var total = 0
    private var versions: [String: Versions] = [:]
    private var files: [FileName: Set<String>] = [:]

    init(_ identities: [RunIdentity]) {
        for identity in identities {
            total += 1
            for (name, value) in identity.setup {
                values[name, default: []].insert(value)
                counts[name, default: 0] += 1
            }
            versions[identity.plugin, default: Versions()].engines.insert(identity.engine)
            if let program = identity.programSHA256 {
                versions[identity.plugin, default: Versions()].programs.insert(program)
            }
            for (model, file) in identity.modelSHA256 { files[Self.name(model, identity), default: []].insert(file) }
        }
    }

    private static func name(_ model: String, _ identity: RunIdentity) -> FileName {
        FileName(plugin: identity.plugin, size: identity.size, setup: identity.setup, model: model)
    }

    /// What tells one from the others, such as `threads=2`; empty where nothing does.
    func text(_ identity: RunIdentity) -> String {
        var parts = versions.count > 1 ? [identity.plugin] : []
        // The parameters of another plugin say nothing of this one.
        for (name, value) in identity.setup.sorted(by: { $0.key < $1.key })
        where (values[name]?.count ?? 0) > 1 || counts[name] != total {
            parts.append("\(name)=\(value)")
        }
        let versions = versions[identity.plugin] ?? Versions()
        if let engine = identity.engine, versions.engines.count > 1 { parts.append(engine) }
        if let program = identity.programSHA256, versions.programs.count > 1 {
            parts.append("program=\(program.prefix(8))")
        }
        for (model, file) in identity.modelSHA256.sorted(by: { $0.key < $1.key })
        where (files[Self.name(model, identity)]?.count ?? 0) > 1 {
            parts.append("\(model)=\(file.prefix(8))")
        }
        return parts.joined(separator: " ")
    }
}
