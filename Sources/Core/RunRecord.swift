/// A part of the measurement of one workload, in order.
package enum RunStage: String, Sendable, Hashable, Codable, CaseIterable {
    /// The machine with no workload on it.
    case idle
    /// The paper's `load model`.
    case load
    case warmUp = "warm-up"
    /// The paper's `query model`: one repeat of the inferences. Only this stage is in the table.
    case query
    /// The idle baseline once more, with the plugin gone.
    case idleAfter = "idle-after"
}

package enum RunStatus: String, Sendable, Hashable, Codable, CaseIterable {
    case completed
    case failed
    /// Ended by the user or by the daemon's stop.
    case interrupted
}

/// The workload that a run ran, as its plugin described it.
package struct WorkloadDescription: Sendable, Hashable, Codable {
    package var task: MLTask
    package var plugin: String
    package var pluginVersion: String?
    package var model: String?
    package var dataset: String?
    /// The proxy's size (`full`, `tiny`); the table never mixes sizes.
    package var size: String?
    package var device: String?
    package var precision: String?
    package var batch: Int
    /// The engine and its version, such as `ONNX Runtime 1.21.0`.
    package var engine: String?
    package var modelSHA256: String?
    /// Of the plugin's own program, as the host found it: of the files of a plugin in Python all. `nil` of a plugin that is part
    /// of Taskwatt, whose version says it.
    package var programSHA256: String?
    /// The number of the model's parameters (weights).
    package var parameterCount: Int64?
    /// Operations of one inference; a multiplication and an addition are two.
    package var operationsPerInference: Double?
    package var seed: Int64?
    /// Every parameter the plugin ran with.
    package var parameters: [String: JSONValue]

    package init(
        task: MLTask, plugin: String, pluginVersion: String? = nil, model: String? = nil, dataset: String? = nil,
        size: String? = nil, device: String? = nil, precision: String? = nil, batch: Int = 1, engine: String? = nil,
        modelSHA256: String? = nil, parameterCount: Int64? = nil, operationsPerInference: Double? = nil,
        seed: Int64? = nil, parameters: [String: JSONValue] = [:], programSHA256: String? = nil
    ) {
        self.task = task
        self.plugin = plugin
        self.pluginVersion = pluginVersion
        self.model = model
        self.dataset = dataset
        self.size = size
        self.device = device
        self.precision = precision
        self.batch = batch
        self.engine = engine
        self.modelSHA256 = modelSHA256
        self.parameterCount = parameterCount
        self.operationsPerInference = operationsPerInference
        self.seed = seed
        self.parameters = parameters
        self.programSHA256 = programSHA256
    }

    enum CodingKeys: String, CodingKey {
        case task, plugin, model, dataset, size, device, precision, batch, engine, seed, parameters
        case pluginVersion = "plugin_version"
        case modelSHA256 = "model_sha256"
        case programSHA256 = "program_sha256"
        case parameterCount = "parameter_count"
        case operationsPerInference = "operations_per_inference"
    }
}

/// Latencies of the inferences of one run, in seconds.
package struct LatencySummary: Sendable, Hashable, Codable {
    package var mean: Double
    package var median: Double
    package var p95: Double
    package var minimum: Double
    package var maximum: Double

    package init(mean: Double, median: Double, p95: Double, minimum: Double, maximum: Double) {
        self.mean = mean
        self.median = median
        self.p95 = p95
        self.minimum = minimum
        self.maximum = maximum
    }

    enum CodingKeys: String, CodingKey {
        case mean = "mean_s"
        case median = "median_s"
        case p95 = "p95_s"
        case minimum = "min_s"
        case maximum = "max_s"
    }
}

/// What makes a run's figures doubtful, beside the flags of its energies.
package enum RunFlag: String, Sendable, Hashable, Codable, CaseIterable {
    /// Other processes took more than 5 % of the CPU, or the hypervisor stole more than 1 %.
    case contended
    /// A window too short for its meters.
    case unresolved
    /// A window shorter than the method asks for, whatever its meters can resolve.
    case shortWindow = "short-window"
    /// The meters saw less than 99 % of the window; the run stays out of the table.
    case lowCoverage = "low-coverage"
    /// The idle power after differs from before by more than chance makes once in fifty times.
    case idleDrift = "idle-drift"
    /// The repeats of this workload, of which this is the last, rise or fall.
    case repeatsDrift = "repeats-drift"
    /// The repeats that end with this one, or the blocks of this baseline, are each like the one before, more than the interval
    /// takes into account.
    case autocorrelated
    /// The sampler missed its interval by more than 20 %.
    case samplerLate = "sampler-late"
    /// A meter of the total and another one of the same silicon say different things.
    case metersDisagree = "meters-disagree"
    /// The inner scope measured more than the outer one that contains it.
    case scopesContradict = "scopes-contradict"
    /// The machine slept inside the window; the run is void.
    case suspended
    /// The latency was still moving when the warm-up ended.
    case unsettled
    /// The machine was not back to where the first repeat began when the longest rest was over.
    case notCooled = "not-cooled"
    /// A processor or an accelerator was slowed down by heat.
    case throttled
    /// A meter of the total has never been seen to change.
    case unproven
    /// A meter of the total stood still while the machine's load moved; the run is void.
    case deadMeter = "dead-meter"
    /// An accelerator or a package is in the machine and not in the total.
    case incomplete
}

/// One measured window and all that is needed to defend its figures.
package struct RunRecord: Sendable, Hashable, Codable {
    package var stage: RunStage
    /// The repeat, from 1; only of query windows.
    package var repeatIndex: Int?
    /// `nil` for idle windows.
    package var workload: WorkloadDescription?
    /// Wall-clock time of the start in seconds since 1970; a label only.
    package var startedAt: Double
    package var energy: WindowEnergy
    package var completedInferences: Int
    package var failedInferences: Int
    package var latency: LatencySummary?
    /// What else the plugin counted or timed, such as `output_tokens`; the protocol says which names are sums.
    package var metrics: [String: Double]
    /// Idle power of the total's scope, from the baseline that applies to this run.
    package var idlePower: Power?
    /// Its standard uncertainty, from the scatter of the blocks and the meters' rounding.
    package var idlePowerUncertainty: Power?
    /// Those of the scatter in it; `nil` of records from before they were kept.
    package var idlePowerDegreesOfFreedom: Double?
    /// The part of the uncertainty that the meters' rounding makes; `nil` of records from before it was looked at.
    package var idlePowerRounding: Power?
    /// The share of the machine's CPU time that others than the workload took, 0 to 1.
    package var otherCPUShare: Double?
    /// The share of CPU time that the hypervisor stole, 0 to 1.
    package var stealShare: Double?
    /// The machine right before and right after the window.
    package var machineBefore: MachineSnapshot?
    package var machineAfter: MachineSnapshot?
    package var procedure: Procedure?
    package var flags: [RunFlag]
    package var status: RunStatus
    package var error: String?

    package init(
        stage: RunStage, repeatIndex: Int? = nil, workload: WorkloadDescription? = nil, startedAt: Double,
        energy: WindowEnergy, completedInferences: Int = 0, failedInferences: Int = 0, latency: LatencySummary? = nil,
        metrics: [String: Double] = [:],
        idlePower: Power? = nil, idlePowerUncertainty: Power? = nil, otherCPUShare: Double? = nil,
        stealShare: Double? = nil, machineBefore: MachineSnapshot? = nil, machineAfter: MachineSnapshot? = nil,
        procedure: Procedure? = nil, flags: [RunFlag] = [], status: RunStatus = .completed, error: String? = nil
    ) {
        self.stage = stage
        self.repeatIndex = repeatIndex
        self.workload = workload
        self.startedAt = startedAt
        self.energy = energy
        self.completedInferences = completedInferences
        self.failedInferences = failedInferences
        self.latency = latency
        self.metrics = metrics
        self.idlePower = idlePower
        self.idlePowerUncertainty = idlePowerUncertainty
        self.otherCPUShare = otherCPUShare
        self.stealShare = stealShare
        self.machineBefore = machineBefore
        self.machineAfter = machineAfter
        self.procedure = procedure
        self.flags = flags
        self.status = status
        self.error = error
    }

    enum CodingKeys: String, CodingKey {
        case stage, workload, energy, latency, metrics, procedure, flags, status, error
        case repeatIndex = "repeat"
        case startedAt = "started_at_unix_s"
        case completedInferences = "completed_inferences"
        case failedInferences = "failed_inferences"
        case idlePower = "idle_power_w"
        case idlePowerUncertainty = "idle_power_standard_uncertainty_w"
        case idlePowerDegreesOfFreedom = "idle_power_degrees_of_freedom"
        case idlePowerRounding = "idle_power_rounding_standard_uncertainty_w"
        case otherCPUShare = "other_cpu_share"
        case stealShare = "steal_share"
        case machineBefore = "machine_before"
        case machineAfter = "machine_after"
    }
}

extension [String: JSONValue] {
    /// How many inferences are under way at once, by the parameter of that name; 1 without it.
    package var concurrency: Int {
        Swift.max(1, Int(clamping: self["concurrency"]?.integerValue ?? 1))
    }
}

extension RunRecord {
    /// Whether it stands for a failure, and not for a window: its figures are none.
    package var isEmpty: Bool {
        status != .completed && energy.window.durationSeconds == 0 && energy.total.coverage == 0
    }
}

extension WorkloadDescription {
    package var concurrency: Int { parameters.concurrency }
}

extension RunRecord {
    /// Gross kWh per 1,000 inferences: idle power is in it, and what was seen stands for the whole, as in the table. `nil` where
    /// the run did not complete, nothing was inferred, or the meters saw less than 99 % of the window.
    package var kilowattHoursPer1000: Double? { kilowattHoursPer1000(energy.total) }

    /// The same of any scope that was measured in the window.
    package func kilowattHoursPer1000(_ total: TotalEnergy) -> Double? {
        guard status == .completed, completedInferences > 0, total.isSeen else { return nil }
        return total.energy.kilowattHours * total.scale / Double(completedInferences) * 1000
    }
}

extension RunRecord {
    /// A record from before there were metrics has none, nor one from before the machine was looked at.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func optional<Value: Decodable>(_ key: CodingKeys) throws -> Value? {
            try values.decodeIfPresent(Value.self, forKey: key)
        }
        self.init(
            stage: try values.decode(RunStage.self, forKey: .stage), repeatIndex: try optional(.repeatIndex),
            workload: try optional(.workload), startedAt: try values.decode(Double.self, forKey: .startedAt),
            energy: try values.decode(WindowEnergy.self, forKey: .energy),
            completedInferences: try values.decode(Int.self, forKey: .completedInferences),
            failedInferences: try values.decode(Int.self, forKey: .failedInferences), latency: try optional(.latency),
            metrics: try optional(.metrics) ?? [:], idlePower: try optional(.idlePower),
            idlePowerUncertainty: try optional(.idlePowerUncertainty), otherCPUShare: try optional(.otherCPUShare),
            stealShare: try optional(.stealShare), machineBefore: try optional(.machineBefore),
            machineAfter: try optional(.machineAfter), procedure: try optional(.procedure),
            flags: try values.decode([RunFlag].self, forKey: .flags),
            status: try values.decode(RunStatus.self, forKey: .status), error: try optional(.error))
        idlePowerDegreesOfFreedom = try optional(.idlePowerDegreesOfFreedom)
        idlePowerRounding = try optional(.idlePowerRounding)
    }
}
