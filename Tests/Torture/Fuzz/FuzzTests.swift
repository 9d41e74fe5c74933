import Foundation
import Testing

/// The short part of `make torture`'s fuzzing that is in `make test`: the same functions over the corpora that are kept, and over inputs made
/// of them by a generator that is the same in every run. Nothing is built for it, so it costs seconds; that it knows nothing of what code an
/// input reaches is what libFuzzer is for. An input that ends the program ends this suite.
@Suite struct FuzzTests {
    private static let targets: [String: @Sendable (UnsafeRawBufferPointer) -> Void] = [
        "Answer": fuzzAnswer, "Archive": fuzzArchive, "CSV": fuzzCSV, "Expression": fuzzExpression, "Head": fuzzHead,
        "JSON": fuzzJSON, "Messages": fuzzMessages, "Model": fuzzModel, "NPY": fuzzNPY, "Suites": fuzzSuites,
        "YAML": fuzzYAML, "ZIP": fuzzZIP,
    ]
    private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
    private static let repository = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../..").standardized
        .path

    /// Inputs made of the corpus of each.
    private static let mutations = 400

    /// What is kept, and what of the project's own files is of the kind.
    private static func corpus(_ name: String) throws -> [[UInt8]] {
        var paths: [String] = []
        for directory in ["\(directory)/Corpora/\(name)"] where FileManager.default.fileExists(atPath: directory) {
            paths += try FileManager.default.contentsOfDirectory(atPath: directory).map { "\(directory)/\($0)" }
        }
        switch name {
        case "YAML": paths += ["\(repository)/Systemd/taskwatt.yaml", "\(repository)/Plugins/openai/plugin.yaml"]
        case "Suites":
            paths += ["\(repository)/Sources/Suites/tiny.yaml", "\(repository)/Plugins/command/plugin.yaml"]
        default: break
        }
        return try paths.sorted().map { Array(try Data(contentsOf: URL(fileURLWithPath: $0))) }
    }

    @Test("What came from outside ends nothing", arguments: targets.keys.sorted())
    func endsNothing(name: String) throws {
        let target = try #require(Self.targets[name])
        let corpus = try Self.corpus(name)
        try #require(!corpus.isEmpty, "there is no Corpora/\(name)")
        for input in corpus + [[]] { input.withUnsafeBytes(target) }
        var mutation = Mutation(seed: 1)
        for _ in 0..<Self.mutations {
            let original = mutation.pick(corpus) ?? []
            mutation(original, corpus).withUnsafeBytes(target)
        }
    }

    @Test("Every fuzz target is tried here")
    func allTargets() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.directory)
        let sources = Set(files.filter { $0.hasSuffix(".swift") }.map { String($0.dropLast(6)) })
        #expect(sources.subtracting(["FuzzTests", "Mutation", "Support"]) == Set(Self.targets.keys))
    }
}
