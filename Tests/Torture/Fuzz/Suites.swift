import Core
import Foundation
import PluginHosting
import WorkloadProtocol
import YAMLReading

#if !LIBFUZZER
@testable import Running
@testable import Suites
#endif

/// A suite as `POST /v1/jobs` takes it: the overrides in JSON up to a NUL, and after it the YAML. The latter as a plugin's manifest, too.
func fuzzSuites(_ input: UnsafeRawBufferPointer) {
    let parts = input.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    let text = parts.last.map { String(decoding: $0, as: UTF8.self) } ?? ""
    let overrides = parts.count == 2 ? try? JSONDecoder().decode(SuiteOverrides.self, from: Data(parts[0])) : nil
    if let suite = try? SuiteFile.parse(text, file: "fuzz.yaml") {
        let product = suite.product(with: overrides ?? SuiteOverrides())
        if let changed = try? suite.applying(overrides ?? SuiteOverrides()) {
            // What the product allowed beforehand is what there is.
            precondition(changed.entries.count <= SuiteProduct.mostEntries && product.excess == nil)
            _ = try? JSONEncoder().encode(changed)
        }
    }
    if let manifest = try? PluginManifest.parse(text, file: "plugin.yaml") { _ = try? JSONEncoder().encode(manifest) }
}
