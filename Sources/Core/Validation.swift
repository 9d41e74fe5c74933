/// What a value of a record may be: asked at every door that records come in by, and again where the record itself is read.
package protocol Bounded {
    /// Names what in the value cannot be.
    func check(_ bounds: inout BoundsCheck)
}

extension Bounded {
    /// The first number or text that cannot be; `nil` of none.
    package var outOfBounds: OutOfBounds? {
        var bounds = BoundsCheck()
        check(&bounds)
        return bounds.problem
    }

    /// - Throws: for the first number or text that cannot be.
    package func validate() throws(OutOfBounds) {
        if let problem = outOfBounds { throw problem }
    }
}

extension RunRecord: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        bounds.count("repeat", repeatIndex, Bounds.repeats)
        bounds.number("started_at_unix_s", startedAt, Bounds.unixSeconds)
        bounds.count("completed_inferences", completedInferences, Bounds.inferences)
        bounds.count("failed_inferences", failedInferences, Bounds.inferences)
        bounds.number("idle_power_w", idlePower?.watts, Bounds.watts)
        bounds.number("idle_power_standard_uncertainty_w", idlePowerUncertainty?.watts, Bounds.positiveWatts)
        bounds.number("idle_power_degrees_of_freedom", idlePowerDegreesOfFreedom, Bounds.degreesOfFreedom)
        bounds.number("idle_power_rounding_standard_uncertainty_w", idlePowerRounding?.watts, Bounds.positiveWatts)
        bounds.number("other_cpu_share", otherCPUShare, Bounds.share)
        bounds.number("steal_share", stealShare, Bounds.share)
        bounds.list("metrics", metrics.count)
        for (name, value) in metrics {
            bounds.text("metrics", name)
            bounds.number("metrics.\(name.prefix(64))", value, Bounds.metric)
        }
        bounds.list("flags", flags.count)
        bounds.text("error", error, most: Bounds.messageBytes)
        bounds.inside("energy", energy.check)
        if let workload { bounds.inside("workload", workload.check) }
        if let latency { bounds.inside("latency", latency.check) }
        if let procedure { bounds.inside("procedure", procedure.check) }
        if let machineBefore { bounds.inside("machine_before", machineBefore.check) }
        if let machineAfter { bounds.inside("machine_after", machineAfter.check) }
    }
}

extension Window: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        bounds.number("start_monotonic_s", start.seconds, Bounds.monotonicSeconds)
        bounds.number("end_monotonic_s", end.seconds, Bounds.monotonicSeconds)
        bounds.rule("end_monotonic_s", start <= end, "is before `start_monotonic_s`")
    }
}

extension WindowEnergy: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        bounds.inside("window", window.check)
        bounds.inside("total", total.check)
        bounds.list("other_scopes", otherScopes.count)
        for (index, scope) in otherScopes.enumerated() { bounds.inside("other_scopes[\(index)]", scope.check) }
        bounds.list("domains", domains.count)
        for (index, domain) in domains.enumerated() { bounds.inside("domains[\(index)]", domain.check) }
        bounds.number("interval_s", intervalSeconds, Bounds.seconds)
        bounds.number("jitter", jitter, Bounds.ratio)
    }
}

extension TotalEnergy: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        bounds.energy("energy_j", energy)
        bounds.energy("uncertainty_j", uncertainty)
        bounds.energy("accuracy_standard_uncertainty_j", accuracyUncertainty)
        bounds.energy("common_standard_uncertainty_j", commonUncertainty)
        bounds.energy("scaled_energy_j", scaledEnergy)
        bounds.number("coverage", coverage, Bounds.share)
        bounds.list("flags", flags.count)
        bounds.list("domain_ids", domainIDs.count)
        for id in domainIDs { bounds.text("domain_ids", id) }
    }
}

extension DomainEnergy: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        bounds.text("id", id)
        bounds.text("name", name)
        bounds.energy("energy_j", energy)
        bounds.energy("uncertainty_j", uncertainty)
        bounds.energy("accuracy_standard_uncertainty_j", accuracyUncertainty)
        bounds.energy("common_standard_uncertainty_j", commonUncertainty)
        bounds.number("coverage", coverage, Bounds.share)
        bounds.list("flags", flags.count)
    }
}

extension WorkloadDescription: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        let texts = [
            ("task", task.rawValue), ("plugin", plugin), ("plugin_version", pluginVersion), ("model", model),
            ("dataset", dataset), ("size", size), ("device", device), ("precision", precision), ("engine", engine),
            ("model_sha256", modelSHA256), ("program_sha256", programSHA256),
        ]
        for (key, text) in texts { bounds.text(key, text) }
        bounds.count("batch", batch, Bounds.batch)
        bounds.count("parameter_count", parameterCount, Bounds.parameters)
        // Zero is how some say that it is not known.
        if operationsPerInference != 0 {
            bounds.number("operations_per_inference", operationsPerInference, Bounds.operations)
        }
        bounds.list("parameters", parameters.count)
        bounds.count("parameters.concurrency", parameters.concurrency, Bounds.concurrency)
        for (name, value) in parameters {
            bounds.text("parameters", name)
            bounds.rule("parameters.\(name.prefix(64))", value.isFinite, "is not a number")
        }
    }
}

/// Documents of which the record keeps the text, and whose entries those that print them look for.
package enum FreeDocument: String, Sendable, CaseIterable {
    /// Of a machine: what is in it, and how it was set; of a suite: what the command line changed.
    case inventory, state, options
    /// What `doctor` found before a suite began.
    case preflight

    /// Of one list or mapping in it.
    package static let mostEntries = Bounds.listed
    /// Lists and mappings within each other.
    package static let mostDepth = 32

    /// The first thing in a document that cannot be; `nil` of none.
    package func problem(in value: JSONValue) -> OutOfBounds? {
        var bounds = BoundsCheck()
        switch self {
        case .inventory, .state, .options:
            if case .object = value {} else { bounds.rule(rawValue, false, "is no object") }
        case .preflight: Self.check(preflight: value, &bounds)
        }
        Self.check(rawValue, value, depth: 0, &bounds)
        return bounds.problem
    }

    private static func check(preflight value: JSONValue, _ bounds: inout BoundsCheck) {
        guard case .array(let checks) = value else {
            return bounds.rule(Self.preflight.rawValue, false, "is no list of checks")
        }
        for (index, check) in checks.enumerated() {
            guard case .object(let check) = check else {
                return bounds.rule("preflight[\(index)]", false, "is no check")
            }
            for key in ["id", "title", "verdict", "found", "remedy"] {
                let value = check[key] ?? .null
                bounds.rule(
                    "preflight[\(index)].\(key)", value == .null || value.stringValue != nil, "is not text")
            }
        }
    }

    private static func check(_ key: String, _ value: JSONValue, depth: Int, _ bounds: inout BoundsCheck) {
        guard bounds.problem == nil else { return }
        bounds.rule(key, depth <= mostDepth, "has more than \(mostDepth) lists and objects within each other")
        switch value {
        case .number(let number): bounds.rule(key, number.isFinite, "is not a number")
        case .array(let values):
            bounds.list(key, values.count, most: mostEntries)
            for (index, value) in values.enumerated().prefix(mostEntries) {
                check("\(key)[\(index)]", value, depth: depth + 1, &bounds)
            }
        case .object(let values):
            bounds.list(key, values.count, most: mostEntries)
            for (name, value) in values.sorted(by: { $0.key < $1.key }).prefix(mostEntries) {
                bounds.text(key, name)
                check("\(key).\(name.prefix(64))", value, depth: depth + 1, &bounds)
            }
        default: return
        }
    }
}

extension JSONValue {
    /// Whether no number in it is infinite or none: JSON has no word for those.
    fileprivate var isFinite: Bool {
        switch self {
        case .number(let value): value.isFinite
        case .array(let values): values.allSatisfy(\.isFinite)
        case .object(let values): values.values.allSatisfy(\.isFinite)
        default: true
        }
    }
}

extension LatencySummary: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        let all = [
            ("mean_s", mean), ("median_s", median), ("p95_s", p95), ("min_s", minimum), ("max_s", maximum),
        ]
        for (key, seconds) in all { bounds.number(key, seconds, Bounds.seconds) }
    }
}

extension Procedure: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        bounds.count("repeated_windows", repeatedWindows, Bounds.repeats)
        bounds.number("relative_interval_95", relativeInterval, Bounds.ratio)
        bounds.count("auto_count.count", autoCount?.count, Bounds.inferences)
        bounds.number("auto_count.needed_s", autoCount?.neededSeconds, Bounds.seconds)
        bounds.number("auto_count.inference_s", autoCount?.secondsPerInference, Bounds.seconds)
        bounds.number("cool_down.duration_s", coolDown?.seconds, Bounds.seconds)
        bounds.number("cool_down.temperature_c", coolDown?.temperature, Bounds.celsius)
        bounds.number("cool_down.power_w", coolDown?.power?.watts, Bounds.watts)
    }
}

extension MachineSnapshot: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        bounds.list("temperatures_c", temperatures.count)
        for (name, value) in temperatures {
            bounds.text("temperatures_c", name)
            bounds.number("temperatures_c.\(name.prefix(64))", value, Bounds.celsius)
        }
        bounds.number("cpu_clock_mean_mhz", meanClock, Bounds.megahertz)
        bounds.number("cpu_clock_min_mhz", minimumClock, Bounds.megahertz)
        bounds.number("cpu_clock_max_mhz", maximumClock, Bounds.megahertz)
        bounds.count("throttle_count", throttles, Bounds.events)
        bounds.list("accelerators", accelerators.count)
        for accelerator in accelerators {
            bounds.text("accelerators.address", accelerator.address)
            bounds.number("accelerators.sm_clock_mhz", accelerator.smClock.map(Double.init), Bounds.megahertz)
            bounds.number("accelerators.temperature_c", accelerator.temperature.map(Double.init), Bounds.celsius)
            bounds.list("accelerators.throttle_reasons", accelerator.throttleReasons?.count ?? 0)
        }
    }
}

extension Sample: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        bounds.text("meter_id", meterID)
        bounds.number("monotonic_s", time.seconds, Bounds.monotonicSeconds)
        bounds.number("wall_unix_s", wallTime, Bounds.unixSeconds)
        bounds.energy("energy_j", energy)
        bounds.number("power_w", power?.watts, Bounds.watts)
    }
}

extension MeterDescription: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        let texts = [
            ("id", id), ("name", name), ("source", source), ("accuracy_source", accuracySource),
            ("parent_id", parentID),
            ("silicon", silicon),
        ]
        for (key, text) in texts { bounds.text(key, text) }
        bounds.number("period_s", periodSeconds, Bounds.seconds)
        bounds.number("averaging_s", averagingSeconds, Bounds.seconds)
        bounds.number("resolution", resolution, Bounds.resolution)
        bounds.count("range_uj", rangeMicrojoules, Bounds.counterRange)
        bounds.number("relative_accuracy", relativeAccuracy, Bounds.ratio)
        bounds.number("plausible_power_w", plausiblePower.watts, Bounds.positiveWatts)
        bounds.list("remarks", remarks.count)
    }
}
