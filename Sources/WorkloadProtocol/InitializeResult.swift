package import Core

/// What the plugin is and what it is about to run. Whatever must be made or fetched first is made before this answer, so
/// that the window of `prepare` holds the loading of the model alone.
package struct InitializeResult: Sendable, Hashable, Codable {
    package var protocolVersion: Int
    package var workload: WorkloadDescription
    /// Absolute paths of the files and directories that make up the model, for whoever wants them elsewhere. They are told
    /// in `workload` and are no part of the record: a cache may be anywhere.
    package var modelFiles: [String]

    package init(
        protocolVersion: Int = workloadProtocolVersion, workload: WorkloadDescription, modelFiles: [String] = []
    ) {
        self.protocolVersion = protocolVersion
        self.workload = workload
        self.modelFiles = modelFiles
    }

    private enum CodingKeys: String, CodingKey {
        case workload
        case protocolVersion = "protocol_version"
    }

    /// What a plugin may say of its workload. The host knows the task, the plugin and what it asked for.
    private enum WorkloadKeys: String, CodingKey {
        case model, dataset, size, device, precision, batch, engine, parameters
        case modelSHA256 = "model_sha256"
        case parameterCount = "parameter_count"
        case operationsPerInference = "operations_per_inference"
        case modelFiles = "model_files"
    }

    package init(from decoder: any Decoder) throws {
        let result = try decoder.container(keyedBy: CodingKeys.self)
        protocolVersion = try result.decode(Int.self, forKey: .protocolVersion)
        let container = try result.nestedContainer(keyedBy: WorkloadKeys.self, forKey: .workload)
        func text(_ key: WorkloadKeys) throws -> String? { try container.decodeIfPresent(String.self, forKey: key) }
        workload = WorkloadDescription(
            task: MLTask(rawValue: ""), plugin: "", model: try text(.model), dataset: try text(.dataset),
            size: try text(.size), device: try text(.device), precision: try text(.precision),
            batch: try container.decodeIfPresent(Int.self, forKey: .batch) ?? 1, engine: try text(.engine),
            modelSHA256: try text(.modelSHA256),
            parameterCount: try container.decodeIfPresent(Int64.self, forKey: .parameterCount),
            operationsPerInference: try container.decodeIfPresent(Double.self, forKey: .operationsPerInference),
            parameters: try container.decodeIfPresent([String: JSONValue].self, forKey: .parameters) ?? [:])
        modelFiles = try container.decodeIfPresent([String].self, forKey: .modelFiles) ?? []
    }

    package func encode(to encoder: any Encoder) throws {
        var result = encoder.container(keyedBy: CodingKeys.self)
        try result.encode(protocolVersion, forKey: .protocolVersion)
        var container = result.nestedContainer(keyedBy: WorkloadKeys.self, forKey: .workload)
        try container.encodeIfPresent(workload.model, forKey: .model)
        try container.encodeIfPresent(workload.dataset, forKey: .dataset)
        try container.encodeIfPresent(workload.size, forKey: .size)
        try container.encodeIfPresent(workload.device, forKey: .device)
        try container.encodeIfPresent(workload.precision, forKey: .precision)
        try container.encode(workload.batch, forKey: .batch)
        try container.encodeIfPresent(workload.engine, forKey: .engine)
        try container.encodeIfPresent(workload.modelSHA256, forKey: .modelSHA256)
        try container.encodeIfPresent(workload.parameterCount, forKey: .parameterCount)
        try container.encodeIfPresent(workload.operationsPerInference, forKey: .operationsPerInference)
        try container.encode(workload.parameters, forKey: .parameters)
        if !modelFiles.isEmpty { try container.encode(modelFiles, forKey: .modelFiles) }
    }
}
