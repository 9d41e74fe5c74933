package import Core

extension JobContext {
    /// Reads what the environment says of the job that this process is part of.
    ///
    /// Sources: "OUTPUT ENVIRONMENT VARIABLES" of sbatch(1) and srun(1); Kubernetes, "Expose Pod Information to Containers Through
    /// Environment Variables" and "Indexed Job"; GitHub, "Default environment variables"; GitLab, "Predefined CI/CD variables"; Jenkins,
    /// "Using environment variables".
    ///
    /// - Parameters:
    ///   - environment: what is longer than ``mostBytes`` in it is left out.
    ///   - processors: how many CPUs of this machine are online.
    ///   - hashUser: makes a hash of a user's name; `nil` leaves the user out.
    /// - Returns: `nil` outside of any job.
    package init?(
        _ environment: [String: String], processors: Int?, hashUser: (String) -> String? = { _ in nil }
    ) {
        let variables = Variables(environment)
        if variables["SLURM_JOB_ID", "SLURM_JOBID"] != nil {
            self.init(.slurm)
            takeSlurm(variables, processors: processors)
            user = variables["SLURM_JOB_USER", "USER"].flatMap(hashUser)
        } else if let service = Self.service(variables) {
            self.init(.ci)
            take(service, variables)
            user = variables[service.user].flatMap(hashUser)
        } else if variables["KUBERNETES_SERVICE_HOST"] != nil {
            self.init(.kubernetes)
        } else {
            return nil
        }
        takeKubernetes(variables)
    }

    /// The variables that are set, as they may be kept.
    private struct Variables {
        private let environment: [String: String]

        init(_ environment: [String: String]) { self.environment = environment }

        /// The first that is set.
        subscript(_ names: String...) -> String? { self[names] }
        subscript(_ names: [String]) -> String? {
            names.lazy.compactMap { JobContext.text(environment[$0]) }.first
        }

        func number(_ names: String..., in range: ClosedRange<Int>) -> Int? {
            self[names].flatMap { Int($0) }.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    // MARK: Slurm

    private mutating func takeSlurm(_ variables: Variables, processors: Int?) {
        cluster = variables["SLURM_CLUSTER_NAME"]
        jobID = variables["SLURM_JOB_ID", "SLURM_JOBID"]
        name = variables["SLURM_JOB_NAME"]
        arrayJobID = variables["SLURM_ARRAY_JOB_ID"]
        arrayIndex = variables.number("SLURM_ARRAY_TASK_ID", in: Bounds.jobIndices)
        stepID = variables["SLURM_STEP_ID", "SLURM_STEPID"]
        node = variables["SLURMD_NODENAME"]
        nodeCount = variables.number("SLURM_JOB_NUM_NODES", "SLURM_NNODES", in: Bounds.nodes)
        partition = variables["SLURM_JOB_PARTITION"]
        // A shell of `salloc` may stand on a login node, which is none of the job's.
        guard node != nil, let (told, isWhole) = Self.exclusive(variables, nodeCount: nodeCount, processors: processors)
        else { return }
        (exclusiveToldBy, isExclusive) = (told, isWhole)
    }

    /// Whether a job of Slurm has its nodes for itself, and the variable that tells it. Slurm sets the first two by its version: for
    /// prolog and epilog since 23.02. Where it sets neither, a job that has all CPUs of the node leaves none to others; one that has
    /// fewer may have the node for itself all the same, as where some are kept for the system.
    private static func exclusive(_ variables: Variables, nodeCount: Int?, processors: Int?) -> (String, Bool)? {
        if let mode = variables["SLURM_JOB_EXCLUSIVE"] {
            return ("SLURM_JOB_EXCLUSIVE", ["NODE", "TOPO"].contains(mode.uppercased()))
        }
        if let mode = variables["SLURM_JOB_OVERSUBSCRIBE"] {
            return ("SLURM_JOB_OVERSUBSCRIBE", ["NO", "TOPO"].contains(mode.uppercased()))
        }
        guard let processors, processors > 0, let list = variables["SLURM_JOB_CPUS_PER_NODE"],
            let allocated = uniformCount(list), allocated >= processors
        else { return nil }
        return ("SLURM_JOB_CPUS_PER_NODE", true)
    }

    /// The count of a list such as `64(x3)`, where it is the same for all nodes; of `64(x2),32` it is not known which one this is.
    private static func uniformCount(_ list: String) -> Int? {
        guard let match = list.wholeMatch(of: /([0-9]{1,9})(?:\(x[0-9]{1,9}\))?/) else { return nil }
        return Int(match.1)
    }

    // MARK: Kubernetes

    private mutating func takeKubernetes(_ variables: Variables) {
        guard variables["KUBERNETES_SERVICE_HOST"] != nil else { return }
        // The downward API gives them under names that the pod's author chooses; these are the usual ones.
        pod = variables["POD_NAME", "MY_POD_NAME", "K8S_POD_NAME"]
        namespace = variables["POD_NAMESPACE", "MY_POD_NAMESPACE", "K8S_NAMESPACE", "K8S_POD_NAMESPACE"]
        guard scheduler == .kubernetes else { return }
        node = variables["NODE_NAME", "MY_NODE_NAME", "K8S_NODE_NAME"]
        cluster = variables["CLUSTER_NAME", "K8S_CLUSTER_NAME"]
        jobID = variables["POD_UID", "MY_POD_UID", "K8S_POD_UID"]
        arrayIndex = variables.number("JOB_COMPLETION_INDEX", in: Bounds.jobIndices)
    }

    // MARK: CI

    /// A service, and its variables: each list has the one that weighs most first.
    private struct Service {
        var name: String?
        var cluster: [String] = []
        var project: [String] = []
        var job: [String] = []
        var jobName: [String] = []
        var step: [String] = []
        var runner: [String] = []
        var user: [String] = []
    }

    private static func service(_ variables: Variables) -> Service? {
        if variables["GITHUB_ACTIONS"] == "true" {
            return Service(
                name: "github", cluster: ["GITHUB_SERVER_URL"], project: ["GITHUB_REPOSITORY"], job: ["GITHUB_RUN_ID"],
                jobName: ["GITHUB_WORKFLOW"], step: ["GITHUB_JOB"], runner: ["RUNNER_NAME"], user: ["GITHUB_ACTOR"])
        }
        if variables["GITLAB_CI"] == "true" {
            return Service(
                name: "gitlab", cluster: ["CI_SERVER_HOST"], project: ["CI_PROJECT_PATH"], job: ["CI_JOB_ID"],
                jobName: ["CI_JOB_NAME"], step: ["CI_JOB_STAGE"], runner: ["CI_RUNNER_DESCRIPTION", "CI_RUNNER_ID"],
                user: ["GITLAB_USER_LOGIN"])
        }
        if variables["JENKINS_URL"] != nil {
            return Service(
                name: "jenkins", cluster: ["JENKINS_URL"], project: ["JOB_NAME"], job: ["BUILD_ID", "BUILD_NUMBER"],
                step: ["STAGE_NAME"], runner: ["NODE_NAME"], user: ["BUILD_USER_ID"])
        }
        // Nearly all others set this, and names of their own beside it.
        return ["true", "1"].contains(variables["CI"]?.lowercased()) ? Service() : nil
    }

    private mutating func take(_ service: Service, _ variables: Variables) {
        self.service = service.name
        cluster = variables[service.cluster].map { Self.host($0) }
        project = variables[service.project]
        jobID = variables[service.job]
        name = variables[service.jobName]
        stepID = variables[service.step]
        node = variables[service.runner]
        if service.name == "gitlab" {
            arrayIndex = variables.number("CI_NODE_INDEX", in: Bounds.jobIndices)
        }
    }

    /// The name in an address: the rest may hold a user and a password (RFC 3986, section 3.2.1).
    private static func host(_ address: String) -> String {
        let rest = address.split(separator: "://", maxSplits: 1).last ?? ""
        let authority = rest.prefix { !"/?#".contains($0) }
        return String(authority.split(separator: "@").last ?? "")
    }
}
