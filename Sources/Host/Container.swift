import Glibc

/// The container that a program runs in, as far as it can be told from within.
///
/// A container shares its host's kernel and silicon, and sees of the host's sensors what its engine lets it.
package struct Container: Sendable, Hashable, Codable {
    /// The engine or the orchestrator, by the name that its makers write.
    package enum Engine: String, Sendable, Hashable, Codable, CaseIterable {
        case docker = "Docker"
        case podman = "Podman"
        case kubernetes = "Kubernetes"
        case apptainer = "Apptainer"
        case nspawn = "systemd-nspawn"
        case lxc = "LXC"
        case other = "a container"
    }

    package var engine: Engine

    package init(engine: Engine) { self.engine = engine }

    /// What a sentence calls it, such as `a Docker container`.
    package var name: String {
        switch engine {
        case .docker, .podman, .lxc: "a \(engine.rawValue) container"
        case .apptainer: "an Apptainer container"
        case .kubernetes: "a pod of Kubernetes"
        case .nspawn: "a container of systemd-nspawn"
        case .other: "a container"
        }
    }

    /// What gives measured figures in it, for the one who starts it: the socket of a daemon on the host, or the host's counters.
    package var remedy: String { "in \(name): \(advice)" }

    /// The same without the container's name.
    package var advice: String {
        let socket = "mount the socket of the host's daemon (\(option("/run/taskwatt"))"
        if engine == .other {
            return
                "mount the directory /run/taskwatt of a host that runs the daemon or, as root, \(Self.counters), under the same names; "
                + "CONTAINERS.md has the commands of the engines that are known"
        }
        if engine == .kubernetes { return "\(socket)); CONTAINERS.md has the manifest" }
        // Engines mask what nobody but root ought to read after they mount, so a mount alone brings nothing back (containerd,
        // "oci/spec: deny /sys/devices/virtual/powercap").
        let unmasked =
            switch engine {
            case .docker: " --security-opt systempaths=unconfined"
            case .podman: " --security-opt unmask=\(Self.counters)"
            default: ""
            }
        let counters = "\(option(Self.counters, isReadOnly: true))\(unmasked)"
        return "\(socket)) or, as root, \(Self.counters) (\(counters)); CONTAINERS.md has the commands"
    }

    private static let counters = "/sys/devices/virtual/powercap"

    /// How the engine is told to show a directory of the host under the same name.
    private func option(_ path: String, isReadOnly: Bool = false) -> String {
        switch engine {
        case .docker, .podman: "-v \(path):\(path)\(isReadOnly ? ":ro" : "")"
        case .apptainer: "--bind \(path)"
        case .nspawn: "--bind\(isReadOnly ? "-ro" : "")=\(path)"
        case .kubernetes: "a hostPath volume of \(path)"
        // lxc.container.conf(5).
        case .lxc:
            "lxc.mount.entry = \(path) \(path.dropFirst()) none bind,\(isReadOnly ? "ro" : "create=dir") 0 0"
        case .other: path
        }
    }

    // MARK: Detection

    /// The container that the files of a machine tell of; `nil` on a real or virtual machine.
    ///
    /// - Parameter environment: of this process, in which some engines tell of themselves; its own on the machine itself.
    package static func detect(_ host: HostRoot, environment: [String: String]? = nil) -> Container? {
        func variable(_ name: String) -> String? {
            let value = environment?[name] ?? (environment == nil && host.isThisMachine ? own(name) : nil)
            return value.flatMap { $0.isEmpty ? nil : $0 }
        }
        return engine(host, variable).map(Container.init)
    }

    private static func own(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// What the engine says of itself before what an image may bring along: a pod is of some engine too, and a root file system made
    /// by Docker may be a virtual machine's. As systemd-detect-virt(1) does it, and by what it does not know: systemd's Container
    /// Interface (`container=` of the first process, `/run/systemd/container`, `/run/host/container-manager`); Docker's
    /// `/.dockerenv` and Podman's `/run/.containerenv` (podman-run(1)); Apptainer's `/.singularity.d` and `APPTAINER_CONTAINER`
    /// (Apptainer's user guide); a pod's service account and `KUBERNETES_SERVICE_HOST` (Kubernetes, Accessing the Kubernetes API
    /// from a Pod); and the control groups of a process that has no namespace of them.
    private static func engine(_ host: HostRoot, _ variable: (String) -> String?) -> Engine? {
        let groups = ["/proc/1/cgroup", "/proc/self/cgroup"].compactMap { try? host.read($0) }.joined(separator: "\n")
        let accounts = ["/run/secrets/kubernetes.io", "/var/run/secrets/kubernetes.io"]
        if variable("KUBERNETES_SERVICE_HOST") != nil || groups.contains("kubepods")
            || accounts.contains(where: host.exists)
        {
            return .kubernetes
        }
        if host.exists("/.singularity.d") || variable("APPTAINER_CONTAINER") != nil
            || variable("SINGULARITY_CONTAINER") != nil
        {
            return .apptainer
        }
        let told = [
            try? host.read("/run/systemd/container"), try? host.read("/run/host/container-manager"), firstProcess(host),
            variable("container"),
        ].compactMap { $0 }.filter { !$0.isEmpty }
        if let engine = told.compactMap(engine(named:)).first { return engine }
        if host.exists("/run/.containerenv") { return .podman }
        if host.exists("/.dockerenv") { return .docker }
        return engine(of: groups) ?? (told.isEmpty ? nil : .other)
    }

    /// `container=` of the first process, which root alone may read.
    private static func firstProcess(_ host: HostRoot) -> String? {
        guard let bytes = try? host.readBytes("/proc/1/environ") else { return nil }
        let prefix = "container="
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.first { $0.hasPrefix(prefix) }
            .map { String($0.dropFirst(prefix.count)) }
    }

    /// `oci`, and whatever else is not known, may be any engine's.
    private static func engine(named name: String) -> Engine? {
        switch name {
        case "docker": .docker
        case "podman": .podman
        case "systemd-nspawn": .nspawn
        case "lxc", "lxc-libvirt", "lxd", "incus": .lxc
        default: nil
        }
    }

    /// `/docker/<id>` or `docker-<id>.scope`, `libpod-<id>.scope`, `/lxc.payload.<name>` and `/lxc/<name>`.
    private static func engine(of groups: String) -> Engine? {
        if groups.contains("libpod-") { return .podman }
        if groups.contains("/docker/") || groups.contains("/docker-") { return .docker }
        if groups.contains("/lxc.payload") || groups.contains("/lxc/") { return .lxc }
        return nil
    }
}
