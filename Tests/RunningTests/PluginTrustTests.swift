import Foundation
import Glibc
import Host
import TestSupport
import Testing
import WorkloadProtocol
import YAMLReading

@testable import PluginHosting
@testable import Running

/// What others could do to a plugin, and what it could do with what is not for it.
@Suite("Plugins and others")
struct PluginTrustTests {
    private static let nobody: uid_t = 65_534

    private let tree: TemporaryDirectory

    init() throws {
        let manifest = """
            name: p
            version: 1
            description: d
            program: program.sh
            arguments: [sub/settings.txt]
            tasks: [{id: custom}]
            """
        tree = try TemporaryDirectory([
            "/plugins/p/plugin.yaml": manifest, "/plugins/p/program.sh": "#!/bin/sh\n",
            "/plugins/p/sub/module.py": "", "/plugins/p/sub/settings.txt": "",
            "/plugins/p/deep/er/module.py": "",
        ])
        chmod("\(tree.path)/plugins/p/program.sh", 0o755)
    }

    private func plugin(isStrict: Bool) throws -> InstalledPlugin {
        let catalogue = PluginCatalogue(
            directories: ["\(tree.path)/plugins"], programDirectory: tree.path,
            trust: PluginTrust(isStrict: isStrict, program: "/bin/sh"))
        let plugin = try catalogue.plugin(named: "p")
        #expect(catalogue.refused.map(\.name) == (plugin.distrust == nil ? [] : ["p"]))
        if let distrust = plugin.distrust { #expect(plugin.program == .missing(distrust)) }
        return plugin
    }

    private static let parts = [
        "plugins", "plugins/p", "plugins/p/plugin.yaml", "plugins/p/program.sh", "plugins/p/sub",
        "plugins/p/sub/module.py",
        "plugins/p/sub/settings.txt", "plugins/p/deep", "plugins/p/deep/er", "plugins/p/deep/er/module.py",
    ]

    @Test("What everybody may write to is run by nobody", arguments: parts)
    func everybody(part: String) throws {
        for isStrict in [true, false] {
            chmod("\(tree.path)/\(part)", 0o777)
            #expect(try plugin(isStrict: isStrict).distrust?.contains("\(part) is not safe") == true)
            chmod("\(tree.path)/\(part)", 0o755)
            #expect(try plugin(isStrict: isStrict).distrust == nil)
        }
    }

    @Test("In a directory such as /tmp, one's own is safe")
    func sticky() throws {
        chmod("\(tree.path)/plugins", 0o1777)
        #expect(try plugin(isStrict: true).distrust == nil)
        #expect(try plugin(isStrict: false).distrust == nil)
    }

    @Test(
        "What another user could change is run by neither root nor the daemon", .enabled(if: geteuid() == 0),
        arguments: parts)
    func strangers(part: String) throws {
        chown("\(tree.path)/\(part)", Self.nobody, 0)
        #expect(try plugin(isStrict: true).distrust?.contains("\(part) is not safe") == true)
        #expect(try plugin(isStrict: false).distrust == nil)
        chown("\(tree.path)/\(part)", 0, 12_345)
        chmod("\(tree.path)/\(part)", 0o775)
        #expect(try plugin(isStrict: true).distrust?.contains("12345") == true)
    }

    @Test("Who could change taskwatt itself is trusted with plugins", .enabled(if: geteuid() == 0))
    func owner() throws {
        try tree.write("/bin/taskwatt", "")
        chown("\(tree.path)/bin", Self.nobody, 0)
        chown("\(tree.path)/plugins/p", Self.nobody, 0)
        let catalogue = PluginCatalogue(
            directories: ["\(tree.path)/plugins"], programDirectory: tree.path,
            trust: PluginTrust(isStrict: true, program: "\(tree.path)/bin/taskwatt"))
        #expect(try catalogue.plugin(named: "p").distrust == nil)
    }

    @Test("A manifest that is a pipe is not waited for")
    func pipe() throws {
        try tree.directory("/plugins/q")
        try #require(mkfifo("\(tree.path)/plugins/q/plugin.yaml", 0o600) == 0)
        let catalogue = PluginCatalogue(directories: ["\(tree.path)/plugins"], programDirectory: tree.path)
        #expect(catalogue.problems.map(\.file) == ["\(tree.path)/plugins/q/plugin.yaml"])
    }

    // MARK: The environment

    private static func manifest(_ more: String = "") throws -> PluginManifest {
        try PluginManifest.parse(
            "name: p\nversion: 1\ndescription: d\nprogram: p\ntasks: [{id: custom}]\n\(more)", file: "plugin.yaml")
    }

    private static let environment = [
        "PATH": "/bin", "HOME": "/root", "LC_ALL": "C", "CUDA_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "2",
        "LD_LIBRARY_PATH": "/opt", "TOKENIZERS_PARALLELISM": "false", "TASKWATT_ONNXRUNTIME": "/x.so",
        "GITHUB_TOKEN": "s", "HF_TOKEN": "s", "AWS_SECRET_ACCESS_KEY": "s", "CUDA_API_KEY": "s", "PYTHON_PASSWORD": "s",
        "PYTHON_GITLAB_PRIVATE": "s",
        "SSH_AUTH_SOCK": "/s", "TASKWATT_CONFIG": "/c", "MY_DATA": "/data", "NOTIFY_SOCKET": "/n",
        "https_proxy": "http://proxy:3128", "HTTP_PROXY": "http://me:secret@proxy:3128",
        "PIP_INDEX_URL": "http://me:s@pypi",
        "CMAKE_ARGS": "-D",
    ]
    private static let usual: Set<String> = [
        "PATH", "HOME", "LC_ALL", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "LD_LIBRARY_PATH",
        "TOKENIZERS_PARALLELISM",
        "TASKWATT_ONNXRUNTIME",
    ]

    @Test("A plugin finds what it takes to run, and no secret")
    func usualEnvironment() throws {
        let found = PluginEnvironment.of(try Self.manifest(), from: Self.environment)
        #expect(Set(found.keys) == Self.usual)
        #expect(found["PATH"] == "/bin")
        let network = PluginEnvironment.of(try Self.manifest("network: true"), from: Self.environment)
        #expect(Set(network.keys) == Self.usual.union(["https_proxy"]))
    }

    @Test("What its manifest names it finds, and what the user names for all")
    func namedEnvironment() throws {
        let manifest = try Self.manifest("env: [HF_TOKEN, NOT_SET]")
        #expect(Set(PluginEnvironment.of(manifest, from: Self.environment).keys) == Self.usual.union(["HF_TOKEN"]))
        let more = Self.environment.merging([PluginEnvironment.extra: "MY_DATA, SSH_AUTH_SOCK"]) { $1 }
        let found = PluginEnvironment.of(manifest, from: more)
        #expect(Set(found.keys) == Self.usual.union(["HF_TOKEN", "MY_DATA", "SSH_AUTH_SOCK"]))
    }

    @Test("pip finds its settings and those of compilers, and no token")
    func installer() {
        let found = PluginEnvironment.ofInstaller(from: Self.environment)
        #expect(
            Set(found.keys) == Self.usual.union(["PIP_INDEX_URL", "CMAKE_ARGS", "HTTP_PROXY", "https_proxy"]))
    }

    @Test("`env` is of names, and of so many at most")
    func envIsChecked() throws {
        let names = (1...PluginEnvironment.mostNames).map { "V\($0)" }
        #expect(try Self.manifest("env: [\(names.joined(separator: ", "))]").environment == names)
        for bad in [
            "[\((names + ["ONE_MORE"]).joined(separator: ", "))]", "[A=B]", "['']", "[1A]", "HF_TOKEN", "['A B']",
        ] {
            #expect(throws: YAMLProblem.self, "\(bad)") { try Self.manifest("env: \(bad)") }
        }
    }
}
