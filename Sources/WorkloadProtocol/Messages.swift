// The messages of the plugin protocol, JSON-RPC 2.0 with one message a line. README.md beside this file is the
// specification.

package import Core

/// The version of this protocol. A plugin answers with the version it speaks; the host refuses any other.
package let workloadProtocolVersion = 1

/// The calls, in the order in which the host makes them.
package enum WorkloadMethod: String, Sendable, Hashable, Codable {
    case initialize
    case prepare
    case run
    case shutdown
    /// A notification from the plugin.
    case progress
}

package struct InitializeParams: Sendable, Hashable, Codable {
    package var protocolVersion: Int
    package var hostVersion: String
    package var task: MLTask
    /// `nil`: the plugin's default for the task.
    package var model: String?
    /// Where to run, such as `cpu` or `cuda:0`.
    package var device: String
    package var seed: Int64
    /// A directory that is the plugin's own and outlives it, for files that are costly to make.
    package var cacheDirectory: String
    package var parameters: [String: JSONValue]

    package init(
        protocolVersion: Int = workloadProtocolVersion, hostVersion: String, task: MLTask, model: String?,
        device: String, seed: Int64, cacheDirectory: String, parameters: [String: JSONValue]
    ) {
        self.protocolVersion = protocolVersion
        self.hostVersion = hostVersion
        self.task = task
        self.model = model
        self.device = device
        self.seed = seed
        self.cacheDirectory = cacheDirectory
        self.parameters = parameters
    }

    enum CodingKeys: String, CodingKey {
        case task, model, device, seed, parameters
        case protocolVersion = "protocol_version"
        case hostVersion = "host_version"
        case cacheDirectory = "cache_directory"
    }
}

package struct PrepareParams: Sendable, Hashable, Codable {
    package init() {}
}

package struct PrepareResult: Sendable, Hashable, Codable {
    package init() {}
}

/// Exactly one of the two is given.
package struct RunParams: Sendable, Hashable, Codable {
    /// How many inferences. A plugin of batch B makes whole batches: as many inferences, rounded up to a multiple of B.
    package var count: Int?
    /// Or for how long to go on beginning new ones, in seconds; at least one inference is made.
    package var durationSeconds: Double?

    package init(count: Int? = nil, durationSeconds: Double? = nil) {
        self.count = count
        self.durationSeconds = durationSeconds
    }

    enum CodingKeys: String, CodingKey {
        case count
        case durationSeconds = "duration_s"
    }
}

/// The device is synchronised before this is sent.
package struct RunResult: Sendable, Hashable, Codable {
    package var completed: Int
    package var failed: Int
    /// CLOCK_MONOTONIC in seconds.
    package var start: Double
    package var end: Double
    /// One per completed batch (with batch 1: inference), in seconds, in order; may be left out.
    package var latencies: [Double]?
    /// Figures of the whole run by their names, such as `output_tokens`; README.md says which are sums.
    package var metrics: [String: Double]?

    package init(
        completed: Int, failed: Int, start: Double, end: Double, latencies: [Double]?, metrics: [String: Double]? = nil
    ) {
        self.completed = completed
        self.failed = failed
        self.start = start
        self.end = end
        self.latencies = latencies
        self.metrics = metrics
    }

    enum CodingKeys: String, CodingKey {
        case completed, failed, metrics
        case start = "start_monotonic_s"
        case end = "end_monotonic_s"
        case latencies = "latencies_s"
    }
}

package struct ShutdownParams: Sendable, Hashable, Codable {
    package init() {}
}

package struct ShutdownResult: Sendable, Hashable, Codable {
    package init() {}
}

package struct ProgressParams: Sendable, Hashable, Codable {
    /// Inferences done in this `run`, where it is one.
    package var completed: Int?
    package var total: Int?
    /// What takes so long, for a person to read, such as `writing the weights (438 MB)`.
    package var message: String?

    package init(completed: Int? = nil, total: Int? = nil, message: String? = nil) {
        self.completed = completed
        self.total = total
        self.message = message
    }
}

/// The error of a call.
package struct WorkloadError: Error, Sendable, Hashable, Codable {
    package var code: Int
    /// One line that names what is wrong.
    package var message: String
    package var data: Details?

    package struct Details: Sendable, Hashable, Codable {
        /// What the user can do about it, one line.
        package var remedy: String?

        package init(remedy: String?) { self.remedy = remedy }
    }

    package init(code: Int, message: String, remedy: String? = nil) {
        self.code = code
        self.message = message
        data = remedy.map(Details.init(remedy:))
    }

    // Of JSON-RPC 2.0, section 5.1.
    package static let parseErrorCode = -32700
    package static let invalidRequestCode = -32600
    package static let methodNotFoundCode = -32601
    package static let invalidParamsCode = -32602
    package static let internalErrorCode = -32603
    // Ours, from the range that the specification leaves to applications.
    /// The engine or another need of the plugin is not on this machine.
    package static let unavailableCode = 1
    /// The call is right and the work failed.
    package static let failedCode = 2
}
