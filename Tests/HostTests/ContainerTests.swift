import Host
import TestSupport
import Testing

@Suite struct ContainerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var files: [String: String]
        var environment: [String: String]
        var engine: Container.Engine?

        init(
            _ name: String, _ engine: Container.Engine?, _ files: [String: String], environment: [String: String] = [:]
        ) {
            testDescription = name
            self.files = files
            self.environment = environment
            self.engine = engine
        }
    }

    /// What each engine leaves in a container, and what is there without one.
    private static let cases = [
        Case(
            "a machine", nil,
            ["/proc/1/cgroup": "0::/init.scope\n", "/proc/self/cgroup": "0::/user.slice/user-1000.slice\n"]),
        Case(
            "a machine that runs containers", nil,
            [
                "/proc/1/environ": "HOME=/\0TERM=linux\0", "/run/docker.sock": "", "/run/containers/storage.lock": "",
            ]),
        Case("Docker", .docker, ["/.dockerenv": "", "/proc/1/cgroup": "0::/\n"]),
        Case(
            "Docker by its control groups", .docker, ["/proc/1/cgroup": "5:devices:/docker/4f0a1b\n0::/docker/4f0a1b\n"]
        ),
        Case(
            "Docker by systemd's control groups", .docker,
            ["/proc/self/cgroup": "0::/system.slice/docker-4f0a1b.scope\n"]),
        Case("Podman", .podman, ["/run/.containerenv": "engine=\"podman-4.3.1\"\nrootless=1\n"]),
        Case("Podman by the first process", .podman, ["/proc/1/environ": "PATH=/bin\0container=podman\0HOME=/root\0"]),
        Case(
            "Podman by its control groups", .podman, ["/proc/1/cgroup": "9:name=systemd:/libpod_parent/libpod-33fa65\n"]
        ),
        Case("Apptainer", .apptainer, ["/.singularity.d/labels.json": "{}\n"]),
        Case("Apptainer by its variable", .apptainer, [:], environment: ["APPTAINER_CONTAINER": "/images/a.sif"]),
        Case("Singularity", .apptainer, [:], environment: ["SINGULARITY_CONTAINER": "/images/a.sif"]),
        Case("Apptainer of an image of Docker's", .apptainer, ["/.singularity.d/env": "", "/.dockerenv": ""]),
        Case("nspawn", .nspawn, ["/run/host/container-manager": "systemd-nspawn"]),
        Case("nspawn that has started systemd", .nspawn, ["/run/systemd/container": "systemd-nspawn\n"]),
        Case("nspawn by its variable", .nspawn, [:], environment: ["container": "systemd-nspawn"]),
        Case(
            "nspawn of a root that Docker made", .nspawn,
            ["/run/host/container-manager": "systemd-nspawn", "/.dockerenv": ""]),
        Case("LXC", .lxc, ["/run/systemd/container": "lxc\n"]),
        Case("LXC by the first process", .lxc, ["/proc/1/environ": "container=lxc\0"]),
        Case("LXC by its control groups", .lxc, ["/proc/1/cgroup": "0::/lxc.payload.web\n"]),
        Case(
            "Kubernetes by the control groups", .kubernetes,
            [
                "/proc/self/cgroup": "0::/kubepods.slice/kubepods-besteffort.slice/cri-containerd-77.scope\n"
            ]),
        Case(
            "Kubernetes by its account", .kubernetes,
            ["/run/secrets/kubernetes.io/serviceaccount/token": "x", "/.dockerenv": ""]),
        Case("Kubernetes by its variable", .kubernetes, [:], environment: ["KUBERNETES_SERVICE_HOST": "10.0.0.1"]),
        Case("another engine", .other, ["/proc/1/environ": "container=oci\0"]),
        Case("an empty variable", nil, [:], environment: ["container": "", "APPTAINER_CONTAINER": ""]),
    ]

    @Test(arguments: cases) func theEngineIsTold(_ one: Case) throws {
        let tree = try TemporaryDirectory(one.files)
        #expect(Container.detect(tree.host, environment: one.environment)?.engine == one.engine)
    }

    /// What to start it with, in the engine's own words; nothing that needs the host's kernel module from within.
    @Test(arguments: Container.Engine.allCases) func theRemedyIsOfTheEngine(engine: Container.Engine) throws {
        let remedy = Container(engine: engine).remedy
        #expect(remedy.contains("/run/taskwatt") && remedy.contains("CONTAINERS.md"))
        #expect(!remedy.contains("modprobe") && !remedy.contains("\n"))
        let words: [Container.Engine: String] = [
            .docker: "-v /run/taskwatt:/run/taskwatt", .podman: "-v /run/taskwatt:/run/taskwatt",
            .apptainer: "--bind /run/taskwatt", .nspawn: "--bind=/run/taskwatt", .kubernetes: "hostPath",
        ]
        if let word = words[engine] { #expect(remedy.contains(word)) }
        if engine != .kubernetes { #expect(remedy.contains("/sys/devices/virtual/powercap")) }
    }
}
