/// The job of a batch system, of Kubernetes or of a CI service that something was measured in, in the words of the variables that those
/// set. It is kept with the machine's state, under ``key``.
package struct JobContext: Sendable, Hashable, Codable {
    package enum Scheduler: String, Sendable, Hashable, Codable, CaseIterable {
        case slurm, kubernetes, ci
    }

    /// Where it stands in documents.
    package static let key = "batch_job"
    /// The longest text in it, in bytes: names of Kubernetes have 253 at most (RFC 1123), those of Slurm fewer.
    package static let mostBytes = 255

    package var scheduler: Scheduler
    /// The service of a CI, such as `github`.
    package var service: String?
    /// The cluster's name; of a CI its server.
    package var cluster: String?
    package var jobID: String?
    package var name: String?
    /// The job of an array that this is one of, and its index in it.
    package var arrayJobID: String?
    package var arrayIndex: Int?
    package var stepID: String?
    /// The node's name as the scheduler has it; of a CI its runner.
    package var node: String?
    package var nodeCount: Int?
    package var partition: String?
    package var namespace: String?
    package var pod: String?
    /// The repository or project of a CI.
    package var project: String?
    /// A hash of the user's name with the salt of the site.
    package var user: String?
    /// Whether the job has its nodes for itself; `nil` where nothing tells.
    package var isExclusive: Bool?
    /// The variable that tells it.
    package var exclusiveToldBy: String?

    package init(_ scheduler: Scheduler) { self.scheduler = scheduler }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case scheduler, service, cluster, name, node, partition, namespace, pod, project, user
        case jobID = "job_id"
        case arrayJobID = "array_job_id"
        case arrayIndex = "array_index"
        case stepID = "step_id"
        case nodeCount = "node_count"
        case isExclusive = "exclusive"
        case exclusiveToldBy = "exclusive_told_by"
    }

    /// A text as it may be kept; `nil` of one that is empty or longer than any name.
    package static func text(_ text: String?) -> String? {
        guard let text, !text.isEmpty, text.utf8.count <= mostBytes else { return nil }
        let printable = PrintableText.of(text)
        // What stands for a control character may be longer than that.
        return printable.utf8.count <= mostBytes ? printable : nil
    }
}

extension JobContext: Bounded {
    package func check(_ bounds: inout BoundsCheck) {
        let texts = [
            ("service", service), ("cluster", cluster), ("job_id", jobID), ("name", name),
            ("array_job_id", arrayJobID), ("step_id", stepID), ("node", node), ("partition", partition),
            ("namespace", namespace), ("pod", pod), ("project", project), ("user", user),
            ("exclusive_told_by", exclusiveToldBy),
        ]
        for (key, text) in texts {
            bounds.text(key, text, most: Self.mostBytes)
            bounds.rule(key, text.map { PrintableText.of($0) == $0 } ?? true, "has control characters")
        }
        bounds.count("array_index", arrayIndex, Bounds.jobIndices)
        bounds.count("node_count", nodeCount, Bounds.nodes)
    }
}
