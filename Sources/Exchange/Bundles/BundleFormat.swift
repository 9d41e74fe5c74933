package import Core

/// The names and bounds of a bundle: a tar archive, compressed by zstd, of text files.
package enum BundleFormat {
    package static let name = "taskwatt-bundle"
    /// A reader refuses a newer one.
    package static let version = 1

    static let manifest = "manifest.json"

    /// The files of one suite, in `suites/<uuid>/`, in the order of the archive.
    package enum File: String, Sendable, CaseIterable {
        case inventory = "inventory.json"
        case meters = "meters.json"
        case options = "options.json"
        case preflight = "preflight.json"
        case runs = "runs.jsonl"
        case samples = "samples.csv"
        case software = "software.json"
        case state = "state.json"
        case suite = "suite.json"
        case suiteText = "suite.yaml"
        case table = "table.json"

        /// What it is for the validator, of a document of which the record keeps the text.
        var free: FreeDocument? {
            switch self {
            case .inventory: .inventory
            case .state: .state
            case .options: .options
            case .preflight: .preflight
            default: nil
            }
        }

        /// No file may be larger, in bytes. Those that are read by the line are on the disk; of those that are read as a whole, each
        /// byte may be some thirty in memory.
        var mostBytes: Int64 {
            switch self {
            // A day at 1 kHz is 5.6 GB; more than 8 GiB the archive cannot tell of.
            case .samples: 8 << 30
            case .runs: 256 << 20
            case .table: 16 << 20
            default: 4 << 20
            }
        }
    }

    static func path(_ file: File, of suite: String) -> String { "suites/\(suite)/\(file.rawValue)" }

    /// The suite and the file that a path in a bundle names; `nil` of any other path, whatever it leads to.
    static func parts(_ path: String) -> (suite: String, file: File)? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts[0] == "suites", isUUID(parts[1]), let file = File(rawValue: parts[2]) else {
            return nil
        }
        return (parts[1], file)
    }

    /// As `uuidgen` writes it, in lower case.
    static func isUUID(_ text: String) -> Bool {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        return groups.map(\.utf8.count) == [8, 4, 4, 4, 12]
            && groups.allSatisfy { $0.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) } }
    }
}

/// `manifest.json`, the first file of a bundle: what is in it.
package struct BundleManifest: Sendable, Hashable, Codable {
    package struct Entry: Sendable, Hashable, Codable {
        package var path: String
        package var bytes: Int64
        /// In hexadecimal.
        package var sha256: String
    }

    package var format: String
    package var version: Int
    /// The program and its version.
    package var createdBy: String
    /// Whether names, serial numbers and paths were left out.
    package var isRedacted: Bool
    package var suites: [String]
    /// All files but the manifest, in the order of the archive.
    package var files: [Entry]

    enum CodingKeys: String, CodingKey {
        case format, version, suites, files
        case createdBy = "created_by"
        case isRedacted = "redacted"
    }

    static func creator(_ version: String) -> String { "taskwatt \(version)" }
}

/// `suite.json`: the suite's record but for what has a file of its own.
package struct BundledSuite: Sendable, Hashable, Codable {
    package struct Machine: Sendable, Hashable, Codable {
        package var name: String
        /// The hash of name and inventory by which a record tells machines apart.
        package var fingerprint: String
    }

    package var uuid: String
    package var suite: String
    package var machine: Machine
    package var version: String
    /// Seconds since 1970.
    package var startedAt: Double
    package var endedAt: Double?
    package var status: RunStatus
    package var error: String?
    /// What its maker called it.
    package var label: String?

    enum CodingKeys: String, CodingKey {
        case uuid, suite, machine, status, error, label
        case version = "taskwatt_version"
        case startedAt = "started_at_unix_s"
        case endedAt = "ended_at_unix_s"
    }
}

extension BundledSuite: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        let texts = [
            ("suite", suite), ("machine.name", machine.name), ("machine.fingerprint", machine.fingerprint),
            ("taskwatt_version", version), ("label", label),
        ]
        for (key, text) in texts { bounds.text(key, text) }
        bounds.text("error", error, most: Bounds.messageBytes)
        bounds.number("started_at_unix_s", startedAt, Bounds.unixSeconds)
        bounds.number("ended_at_unix_s", endedAt, Bounds.unixSeconds)
    }
}

/// `software.json`: what ran, gathered from the runs for whoever reads the bundle.
package struct BundledSoftware: Sendable, Hashable, Codable {
    package struct Plugin: Sendable, Hashable, Codable {
        package var name: String
        package var version: String?
        package var engine: String?
    }

    package struct Model: Sendable, Hashable, Codable {
        package var name: String
        package var sha256: String?
        package var parameterCount: Int64?

        enum CodingKeys: String, CodingKey {
            case name, sha256
            case parameterCount = "parameter_count"
        }
    }

    package var taskwatt: String
    package var plugins: [Plugin]
    package var models: [Model]

    init(taskwatt: String, _ runs: [RunRecord]) {
        self.taskwatt = taskwatt
        let workloads = runs.compactMap(\.workload)
        let plugins = Set(workloads.map { Plugin(name: $0.plugin, version: $0.pluginVersion, engine: $0.engine) })
        self.plugins = plugins.sorted {
            ($0.name, $0.version ?? "", $0.engine ?? "") < ($1.name, $1.version ?? "", $1.engine ?? "")
        }
        let models = Set(
            workloads.compactMap { workload in
                workload.model.map {
                    Model(name: $0, sha256: workload.modelSHA256, parameterCount: workload.parameterCount)
                }
            })
        self.models = models.sorted { ($0.name, $0.sha256 ?? "") < ($1.name, $1.sha256 ?? "") }
    }
}

/// Why a bundle cannot be made or read: one line that names the file and the place.
package struct BundleError: UserFacingError, Sendable, Hashable {
    /// What callers tell apart.
    package enum Cause: Sendable, Hashable {
        /// It is no bundle, or one that was altered or damaged.
        case bundle
        /// Its format is newer than this program.
        case newerFormat
        /// It breaks a rule of `taskwatt verify`.
        case rule(VerificationRule)
        /// This machine cannot work on it now, whatever is in it: its disk is full, or a program is missing.
        case machine
    }

    package var userError: UserError
    package var cause: Cause

    package init(_ message: String, remedy: String? = nil, cause: Cause = .bundle) {
        userError = UserError(.failed, message, remedy: remedy)
        self.cause = cause
    }
}
