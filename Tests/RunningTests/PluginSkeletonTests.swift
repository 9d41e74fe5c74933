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
        // Nothing of the example is in a table or a method when the function is one's own.
        #expect(manifest.tasks.map(\.models) == [["my-plugin"]] && manifest.parameters.isEmpty)
        if language == .swift {
            let package = try String(contentsOfFile: "\(path)/Package.swift", encoding: .utf8)
            #expect(package.contains(checkout ?? "../taskwatt"))
        }
        // What is there is not written over.
        #expect(throws: UserError.self) { _ = try skeleton.write(in: directory.path) }
    }

    /// A plugin elsewhere is not shadowed without a word; one in the same place is refused by what writes.
    @Test func anotherPluginOfTheNameIsNotShadowed() throws {
        let directory = try TemporaryDirectory()
        let skeleton = try PluginSkeleton(name: "command", .python, checkout: nil)
        let own = "\(directory.path)/own"
        let nothing = PluginCatalogue(directories: [own], programDirectory: directory.path)
        try skeleton.refuseShadowing(nothing, in: own)
        let path = try skeleton.write(in: "\(directory.path)/system")
        let catalogue = PluginCatalogue(
            directories: [own, "\(directory.path)/system"], programDirectory: directory.path)
        let error = #expect(throws: UserError.self) { try skeleton.refuseShadowing(catalogue, in: own) }
        #expect(error.map { "\($0)".contains(path) } == true)
        try skeleton.refuseShadowing(catalogue, in: "\(directory.path)/system")
        try PluginSkeleton(name: "other", .python, checkout: nil).refuseShadowing(catalogue, in: own)
    }

    @Test func aNameIsOneOfAFileAndOfATarget() {
        for name in ["", "1st", "../x", "a b", "é", "-a"] {
            #expect(throws: UserError.self, "\(name)") { _ = try PluginSkeleton(name: name, .python, checkout: nil) }
        }
    }
}
