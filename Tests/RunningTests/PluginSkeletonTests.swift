import Core
import Foundation
import TestSupport
import Testing
import WorkloadProtocol

@testable import PluginHosting
@testable import Running

/// What `taskwatt plugin new` writes.
@Suite struct PluginSkeletonTests {
    @Test(arguments: PluginSkeleton.Language.allCases, ["/a/checkout", nil])
    func eachFileIsOfThePlugin(language: PluginSkeleton.Language, checkout: String?) throws {
        let skeleton = try PluginSkeleton(name: "my-plugin", language, checkout: checkout)
        let directory = try TemporaryDirectory()
        let path = try skeleton.write(in: directory.path)
        #expect(path == "\(directory.path)/my-plugin")
        for file in skeleton.files {
            let text = try String(contentsOfFile: "\(path)/\(file.path)", encoding: .utf8)
            #expect(!text.isEmpty && !text.contains("{{"), "\(file.path)")
            #expect(FileManager.default.isExecutableFile(atPath: "\(path)/\(file.path)") == file.isProgram)
        }
        let manifest = try PluginManifest.parse(
            String(contentsOfFile: "\(path)/plugin.yaml", encoding: .utf8), file: "plugin.yaml")
        #expect(manifest.name == "my-plugin")
        if language == .swift {
            let package = try String(contentsOfFile: "\(path)/Package.swift", encoding: .utf8)
            #expect(package.contains(checkout ?? "../taskwatt"))
        }
        // What is there is not written over.
        #expect(throws: UserError.self) { _ = try skeleton.write(in: directory.path) }
    }

    @Test func aNameIsOneOfAFileAndOfATarget() {
        for name in ["", "1st", "../x", "a b", "é", "-a"] {
            #expect(throws: UserError.self, "\(name)") { _ = try PluginSkeleton(name: name, .python, checkout: nil) }
        }
    }
}
