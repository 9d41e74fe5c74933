import Core
import Foundation
import Recording
import Reporting
import TestSupport
import Testing

@Suite("The methods paragraph")
struct MethodsTextTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    private func measured(_ joules: Double, flags: [RunFlag] = []) -> RunRecord {
        var made = run(joules, model: "bert_base & co", dataset: "imdb", idle: 10, idleUncertainty: 1, flags: flags)
        made.workload?.engine = "ONNX Runtime 1.32.0"
        made.workload?.device = "cpu"
        made.workload?.precision = "fp32"
        made.workload?.parameterCount = 109_514_298
        made.energy.domains = [
            DomainEnergy(
                id: "powercap/intel-rapl:0", name: "package-0", scope: .package, kind: .counter, provenance: .measured,
                energy: made.energy.total.energy, uncertainty: .zero, accuracyUncertainty: .zero, coverage: 1,
                flags: [],
                inTotal: true)
        ]
        return made
    }

    private func text(_ options: TableReport.Options = TableReport.Options()) async throws -> String {
        try await MethodsText(record.store, options).text
    }

    @Test("It says what was done, and nothing that was not")
    func sentences() async throws {
        let inventory = "{\"cpu\":{\"model\":\"Zen\",\"threads\":8},\"installed_memory_bytes\":17179869184}"
        let suite = try record.suite(machine: "lab", inventory: inventory)
        try record.add(
            [run(300, stage: .idle, seconds: 30), measured(3600), measured(3700), measured(3650, flags: [.contended])],
            suite: suite)
        let text = try await text()
        for part in [
            "We measured the energy of masked language modeling with Taskwatt 1.0~\\cite{taskwatt}",
            "bert\\_base \\& co (109,514,298 parameters); data: imdb; run by ONNX Runtime 1.32.0~\\cite{onnxruntime} on cpu, fp32, "
                + "batch 1.",
            "Machine: lab, Zen, 8 hardware threads, 16.0 GiB of memory.",
            "package-0 (powercap/intel-rapl:0, package, measured)", "scope components",
            "3 repeats of 100 inferences followed", "Idle power was measured for 30 s before the first workload.",
            "Figures are gross: idle power is in them.", "none is stated for powercap/intel-rapl:0",
            "1 run was flagged contended: other processes", "@misc{onnxruntime,", "@misc{taskwatt,",
            "doi       = {10.1145/3630106.3658542}",
        ] { #expect(text.contains(part), "\(part) is not in \(text)") }
        for part in ["wolf2020", "once more after", "estimated", "random", "at least", "repeat on"] {
            #expect(!text.contains(part), "\(part)")
        }
        var net = TableReport.Options()
        net.isNet = true
        #expect(try await self.text(net).contains("Figures are net"))
    }

    @Test("What is estimated, random or without a baseline is said to be so")
    func doubts() async throws {
        var made = run(provenance: .estimated)
        made.workload?.plugin = "onnx-proxies"
        try record.add([made])
        let text = try await text()
        #expect(text.contains("What is marked estimated comes from a model"))
        #expect(text.contains("The weights are random"))
        #expect(text.contains("No idle power was measured."))
        var other = TableReport.Options()
        other.filter.model = "none"
        #expect(try await MethodsText(record.store, other).isEmpty)
    }

    @Test("Each setting is told of its own, and random weights of those models alone that have them")
    func settings() async throws {
        func of(_ model: String, _ plugin: String, _ precision: String, threads: Int64) -> RunRecord {
            var made = measured(3600)
            made.workload?.model = model
            made.workload?.plugin = plugin
            made.workload?.precision = precision
            made.workload?.parameters = [
                "threads": .integer(threads), "steps": .integer(50), "api_key_file": .string("/home/x/key"),
                "sequence_length": .integer(128),
            ]
            return made
        }
        try record.add([
            of("mine", "onnx-model", "fp32", threads: 2), of("proxy", "onnx-proxies", "fp32", threads: 0),
            of("proxy", "onnx-proxies", "int8", threads: 1),
        ])
        let text = try await text()
        for part in [
            "Models: mine (109,514,298 parameters); data: imdb; run by ONNX Runtime 1.32.0~\\cite{onnxruntime} on cpu, fp32, "
                + "batch 1, sequence length 128, 2 threads.",
            "fp32, batch 1, sequence length 128, as many threads as the engine chose.",
            "int8, batch 1, sequence length 128, 1 thread.", "The weights of proxy are random",
        ] { #expect(text.contains(part), "\(part) is not in \(text)") }
        // Steps are of another task, and a key is nobody's business.
        #expect(!text.contains("steps") && !text.contains("home"))
    }

    @Test("pdflatex sets it, whatever the names are")
    func latex() async throws {
        let suite = try record.suite(machine: "a_b%c{d}\\$#~^\u{1B}東京", inventory: "{}")
        try record.add([measured(3600)], suite: suite)
        let all = try await text()
        let paragraph = try #require(all.components(separatedBy: "\n\n").first)
        let entries = all.dropFirst(paragraph.count)
        #expect(entries.count { $0 == "{" } == entries.count { $0 == "}" })
        let directory = try TemporaryDirectory()
        let document =
            "\\documentclass{article}\\begin{document}\n\(paragraph)\n\\bibliographystyle{plain}\\bibliography{b}\\end{document}\n"
        try Data(document.utf8).write(to: URL(fileURLWithPath: "\(directory.path)/m.tex"))
        try Data(entries.utf8).write(to: URL(fileURLWithPath: "\(directory.path)/b.bib"))
        let set = try Tool.run("pdflatex", ["-interaction=nonstopmode", "-halt-on-error", "m.tex"], in: directory.path)
        #expect(set.status == 0, "\(set.output.suffix(800))")
        let listed = try Tool.run("bibtex", ["m"], in: directory.path)
        #expect(listed.status == 0, "\(listed.output.suffix(800))")
    }
}
