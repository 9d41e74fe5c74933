import Foundation
import Testing
import YAMLReading

@testable import PolledMeters

/// The `/etc/taskwatt/taskwatt.yaml` that the package brings.
@Suite struct ShippedConfigurationTests {
    private static let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Systemd/taskwatt.yaml").standardized.path

    /// What it becomes when somebody takes away the `#` of every example: a block from its key to the next empty line.
    private static var uncommented: String {
        var isExample = false
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            if line.isEmpty { isExample = false }
            if line.first == "#", line.dropFirst().first?.isLetter == true { isExample = true }
            return isExample ? String(line.dropFirst()) : String(line)
        }.joined(separator: "\n")
    }

    @Test func asItComesItIsWithoutMeters() throws {
        #expect(!Self.text.isEmpty)
        let configuration = try MeterConfiguration.parse(text: Self.text, file: "taskwatt.yaml")
        #expect(configuration.meters.isEmpty && configuration.overridden.isEmpty)
    }

    @Test func itsExamplesAreValidAndOfEveryType() throws {
        let configuration = try MeterConfiguration.parse(text: Self.uncommented, file: "taskwatt.yaml")
        let types = MeterConfiguration.types.map { $0.type }
        #expect(Set(configuration.meters.map { String($0.id.prefix { $0 != "/" }) }) == Set(types))
        #expect(configuration.overridden.count == 3)
    }

    @Test func everyKeyIsInAnExample() {
        let lines = Self.uncommented.split(separator: "\n").map { $0.drop { " -".contains($0) } }
        let keys = Set(
            ConfiguredMeter.commonKeys + MeterConfiguration.types.flatMap { $0.keys } + MeterOverride.keys + [
                "samples", "minutes", "hours", "address", "token_file", "certificate",
                "key",
            ])
        let missing = keys.filter { key in !lines.contains { $0.hasPrefix("\(key):") } }
        #expect(missing.isEmpty)
    }
}
