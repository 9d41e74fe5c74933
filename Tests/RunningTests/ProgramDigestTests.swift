import Foundation
import TestSupport
import Testing
import WorkloadProtocol

@testable import PluginHosting
@testable import Running

@Suite("The hash of a plugin's program")
struct ProgramDigestTests {
    private func plugin(_ files: [String: String], program: String, arguments: [String] = []) throws -> (
        InstalledPlugin, TemporaryDirectory
    ) {
        let directory = try TemporaryDirectory(files)
        let manifest = PluginManifest(
            name: "p", version: "1", description: "", program: program, arguments: arguments, tasks: [])
        let path = program.hasPrefix("/") ? program : "\(directory.path)/\(program)"
        return (InstalledPlugin(manifest: manifest, directory: directory.path, program: .found(path)), directory)
    }

    @Test("An edit of the program, or of a Python file that it may load, is another program; of the README it is not")
    func edits() throws {
        let (plugin, directory) = try plugin(
            ["/main.py": "import helper", "/lib/helper.py": "x = 1", "/README.md": "a"], program: "main.py")
        let first = try #require(plugin.programSHA256)
        #expect(first.count == 64)
        try directory.write("/README.md", "b")
        #expect(plugin.programSHA256 == first)
        try directory.write("/lib/helper.py", "x = 2")
        let second = try #require(plugin.programSHA256)
        #expect(second != first)
        try directory.write("/main.py", "import helper, os")
        #expect(plugin.programSHA256 != second)
    }

    @Test("Where an interpreter is the program, the file that it is given is what runs")
    func interpreters() throws {
        let (plugin, directory) = try plugin(["/run.sh": "echo 1"], program: "/bin/sh", arguments: ["run.sh"])
        let first = try #require(plugin.programSHA256)
        try directory.write("/run.sh", "echo 2")
        #expect(plugin.programSHA256 != first)
    }

    @Test("Taskwatt's own plugins have none, nor has one that cannot be read")
    func none() throws {
        let (own, _) = try plugin([:], program: "taskwatt", arguments: ["plugin-program", "x"])
        #expect(own.programSHA256 == nil)
        let (gone, _) = try plugin([:], program: "gone")
        #expect(gone.programSHA256 == nil)
    }
}
