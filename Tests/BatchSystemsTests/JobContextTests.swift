import BatchSystems
import Core
import Foundation
import Testing

@Suite("The job that a process is in") struct JobContextTests {
    private static let slurm = [
        "SLURM_JOB_ID": "4711", "SLURM_CLUSTER_NAME": "deep", "SLURM_JOB_NAME": "taskwatt-n1",
        "SLURM_ARRAY_JOB_ID": "4700",
        "SLURM_ARRAY_TASK_ID": "11", "SLURM_STEP_ID": "0", "SLURMD_NODENAME": "n1", "SLURM_JOB_NUM_NODES": "3",
        "SLURM_JOB_PARTITION": "gpu", "SLURM_JOB_USER": "alice", "SLURM_JOB_CPUS_PER_NODE": "64(x3)", "CI": "true",
    ]

    private func slurm(_ more: [String: String?], processors: Int? = 64) throws -> JobContext {
        var environment = Self.slurm
        for (name, value) in more { environment[name] = value }
        return try #require(JobContext(environment, processors: processors))
    }

    @Test func outsideOfAnyJobThereIsNone() {
        #expect(JobContext([:], processors: 8) == nil)
        #expect(
            JobContext(["HOME": "/root", "USER": "alice", "SLURM_JOB_ID": "", "CI": "false"], processors: 8) == nil)
    }

    @Test func aJobOfSlurm() throws {
        let job = try #require(JobContext(Self.slurm, processors: 64) { "hash of \($0)" })
        #expect(job.scheduler == .slurm && job.cluster == "deep" && job.jobID == "4711" && job.name == "taskwatt-n1")
        #expect(job.arrayJobID == "4700" && job.arrayIndex == 11 && job.stepID == "0" && job.node == "n1")
        #expect(job.nodeCount == 3 && job.partition == "gpu" && job.user == "hash of alice")
        #expect(job.isExclusive == true && job.exclusiveToldBy == "SLURM_JOB_CPUS_PER_NODE")
        #expect(job.outOfBounds == nil)
        // Without a salt nobody is named.
        #expect(JobContext(Self.slurm, processors: 64)?.user == nil)
        let text = String(decoding: try JSONEncoder().encode(try slurm([:])), as: UTF8.self)
        #expect(!text.contains("alice"))
    }

    @Test(
        arguments: [
            ("64", 64, true), ("64(x3)", 64, true), ("128(x2)", 64, true),
            // Fewer may be all that Slurm gives, and of a list it is not known which one this is.
            ("32", 64, nil), ("64(x2),32", 64, nil), ("", 64, nil), ("64;", 64, nil), ("99999999999999999999", 64, nil),
            ("64", nil, nil), ("64", 0, nil),
        ] as [(String, Int?, Bool?)])
    func aWholeNodeIsOneWithAllItsCPUs(_ list: String, _ processors: Int?, _ isExclusive: Bool?) throws {
        let job = try slurm(["SLURM_JOB_CPUS_PER_NODE": list], processors: processors)
        #expect(job.isExclusive == isExclusive && (job.exclusiveToldBy == nil) == (isExclusive == nil))
    }

    @Test(arguments: [
        ("SLURM_JOB_OVERSUBSCRIBE", "NO", true), ("SLURM_JOB_OVERSUBSCRIBE", "OK", false),
        ("SLURM_JOB_OVERSUBSCRIBE", "YES", false), ("SLURM_JOB_OVERSUBSCRIBE", "USER", false),
        ("SLURM_JOB_EXCLUSIVE", "NODE", true), ("SLURM_JOB_EXCLUSIVE", "NO", false),
        ("SLURM_JOB_EXCLUSIVE", "MCS", false),
    ])
    func whatSlurmSaysOfSharingWeighsMore(_ variable: String, _ value: String, _ isExclusive: Bool) throws {
        let job = try slurm([variable: value])
        #expect(job.isExclusive == isExclusive && job.exclusiveToldBy == variable)
    }

    @Test func onALoginNodeNothingIsTheJobsOwn() throws {
        let job = try slurm(["SLURMD_NODENAME": nil])
        #expect(job.node == nil && job.isExclusive == nil)
    }

    @Test func aPodOfKubernetes() throws {
        let environment = [
            "KUBERNETES_SERVICE_HOST": "10.0.0.1", "POD_NAME": "bench-0-xyz", "POD_NAMESPACE": "ml",
            "NODE_NAME": "worker-3",
            "JOB_COMPLETION_INDEX": "4", "POD_UID": "u-1",
        ]
        let job = try #require(JobContext(environment, processors: 8) { $0 })
        #expect(job.scheduler == .kubernetes && job.pod == "bench-0-xyz" && job.namespace == "ml")
        #expect(job.node == "worker-3" && job.arrayIndex == 4 && job.jobID == "u-1" && job.user == nil)
        #expect(JobContext(["KUBERNETES_SERVICE_HOST": "10.0.0.1"], processors: 8) == JobContext(.kubernetes))
    }

    @Test func jobsOfCIServices() throws {
        let github = try #require(
            JobContext(
                [
                    "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "9",
                    "GITHUB_JOB": "bench", "GITHUB_WORKFLOW": "nightly", "RUNNER_NAME": "r1", "GITHUB_ACTOR": "bob",
                    "GITHUB_SERVER_URL": "https://github.com", "KUBERNETES_SERVICE_HOST": "10.0.0.1",
                    "POD_NAME": "arc-1",
                    "NODE_NAME": "worker",
                ], processors: 8
            ) { "h(\($0))" })
        #expect(github.scheduler == .ci && github.service == "github" && github.project == "o/r" && github.jobID == "9")
        #expect(
            github.cluster == "github.com" && github.node == "r1" && github.pod == "arc-1" && github.user == "h(bob)")
        let gitlab = try #require(
            JobContext(
                [
                    "GITLAB_CI": "true", "CI_JOB_ID": "5", "CI_PROJECT_PATH": "g/p", "CI_SERVER_HOST": "git.lab",
                    "CI_NODE_INDEX": "2",
                ],
                processors: 8))
        #expect(
            gitlab.service == "gitlab" && gitlab.jobID == "5" && gitlab.cluster == "git.lab" && gitlab.arrayIndex == 2)
        let jenkins = try #require(
            JobContext(
                [
                    "JENKINS_URL": "https://u:secret@ci.lab:8443/x", "BUILD_ID": "3", "JOB_NAME": "bench",
                    "NODE_NAME": "a1",
                ],
                processors: 8))
        // No password comes along with the address.
        #expect(jenkins.cluster == "ci.lab:8443" && jenkins.project == "bench" && jenkins.node == "a1")
        #expect(JobContext(["CI": "1"], processors: 8) == JobContext(.ci))
    }

    @Test func whatTheEnvironmentHoldsIsBoundedAndPrintable() throws {
        let long = String(repeating: "x", count: JobContext.mostBytes + 1)
        let job = try slurm([
            "SLURM_CLUSTER_NAME": long, "SLURM_JOB_NAME": "a\u{1B}[2Jb", "SLURM_ARRAY_TASK_ID": "-1",
            "SLURM_JOB_NUM_NODES": "99999999999999999999",
            "SLURM_JOB_PARTITION": String(repeating: "\u{1B}", count: 200),
        ])
        #expect(job.cluster == nil && job.name == "a\u{FFFD}[2Jb" && job.arrayIndex == nil && job.nodeCount == nil)
        #expect(job.partition == nil && job.outOfBounds == nil)
    }

    /// What comes over a socket went through no reading of an environment.
    @Test func aDoorRefusesWhatCannotBe() {
        var job = JobContext(.slurm)
        #expect(job.outOfBounds == nil)
        job.node = "a\nb"
        #expect(job.outOfBounds?.key == "node")
        (job.node, job.cluster) = ("n1", String(repeating: "x", count: JobContext.mostBytes + 1))
        #expect(job.outOfBounds?.key == "cluster")
        (job.cluster, job.arrayIndex) = (nil, -1)
        #expect(job.outOfBounds?.key == "array_index")
    }
}

@Suite("The first process on a node") struct NodeRankTests {
    @Test(arguments: [
        [:], ["SLURM_LOCALID": "0"], ["SLURM_LOCALID": "0", "LOCAL_RANK": "0"], ["LOCAL_RANK": "first"],
        ["SLURM_PROCID": "7"],
    ])
    func measures(_ environment: [String: String]) { #expect(NodeRank.later(environment) == nil) }

    @Test(arguments: NodeRank.variables) func isTheOneThatAllLaunchersCallZero(_ variable: String) {
        #expect(NodeRank.later([variable: "3"])?.rank == 3)
        // Of the workers of `torchrun` under a task of `srun` each has the task's number too.
        var all = Dictionary(uniqueKeysWithValues: NodeRank.variables.map { ($0, "0") })
        #expect(NodeRank.later(all) == nil)
        all[variable] = "1"
        #expect(NodeRank.later(all)?.variable == variable)
    }
}

@Suite("The salt of a site") struct SiteSaltTests {
    @Test func hashesJoinMachinesAndNothingElse() throws {
        let salt = try SiteSalt("0123456789abcdef\n".utf8, file: "salt")
        let hash = try #require(salt.hash(user: "alice"))
        #expect(hash.wholeMatch(of: /[0-9a-f]{32}/) != nil && hash != salt.hash(user: "bob"))
        #expect(try SiteSalt("0123456789abcdef".utf8, file: "other").hash(user: "alice") == hash)
        #expect(try SiteSalt("0123456789abcdeg".utf8, file: "other").hash(user: "alice") != hash)
    }

    @Test(arguments: ["", "\n", "short", "0123456789abcde \n"]) func aShortOneIsRefused(_ text: String) {
        #expect(throws: UserError.self) { try SiteSalt(text.utf8, file: "salt") }
    }
}
