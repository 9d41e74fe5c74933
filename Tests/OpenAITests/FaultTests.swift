import Core
import Foundation
import PluginHosting
import Running
import TLS
import TestSupport
import Testing
import WorkloadProtocol

/// The built plugin against servers with faults.
@Suite("The openai plugin and its servers") struct FaultTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private static func event(_ json: String) -> String { "data: \(json)\n\n" }
    private static func piece(_ text: String) -> String {
        event(#"{"choices": [{"index": 0, "text": "\#(text)", "finish_reason": null}]}"#)
    }
    private static func usage(_ input: Int, _ output: Int) -> String {
        event(#"{"choices": [], "usage": {"prompt_tokens": \#(input), "completion_tokens": \#(output)}}"#)
    }
    private static let done = "data: [DONE]\n\n"
    private static let good = Script.stream([piece("One"), piece(" two"), usage(7, 2), done])

    /// A plugin that is ready to run. Its first request, that of `prepare`, has the number 0.
    private func ready(_ server: ScriptedServer, _ parameters: [String: Any] = [:]) throws -> PluginProgram {
        let program = try PluginProgram("openai")
        let answer = try program.initialize(
            "text-generation", parameters.merging(["url": server.url]) { given, _ in given })
        try #require(answer["result"] != nil, "\(answer)")
        _ = try program.result("prepare")
        return program
    }

    private func refused(
        _ parameters: [String: Any], task: String = "text-generation", model: String? = nil
    ) throws -> String {
        let answer = try PluginProgram("openai").initialize(task, model: model, parameters)
        #expect(answer["result"] == nil, "\(answer)")
        return refusal(answer)
    }

    @Test func itsManifestIsRead() throws {
        let file = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../Plugins/openai/plugin.yaml")
            .standardized
        let manifest = try PluginManifest.parse(String(contentsOf: file, encoding: .utf8), file: file.path)
        #expect(manifest.tasks.map(\.id) == [.textGeneration, .summarization])
        let server = try ScriptedServer { _, _ in Self.good }
        var parameters: [String: Any] = [:]
        for parameter in manifest.parameters {
            // The defaults of the manifest, as the host gives them.
            switch parameter.default {
            case .string(let value)?: parameters[parameter.name] = value
            case .integer(let value)?: parameters[parameter.name] = Int(value)
            case .bool(let value)?: parameters[parameter.name] = value
            default: #expect(parameter.default == nil)
            }
        }
        parameters["url"] = server.url
        #expect(try PluginProgram("openai").initialize("summarization", parameters)["result"] != nil)
    }

    @Test func tokensAndTimesAreThoseOfTheReplies() throws {
        let server = try ScriptedServer { _, _ in Self.good }
        let result = try ready(server).result("run", ["count": 4])
        #expect(result["completed"] as? Int == 4)
        let metrics = try #require(result["metrics"] as? [String: Double])
        #expect(metrics["input_tokens"] == 28)
        #expect(metrics["output_tokens"] == 8)
        let first = try #require(metrics["time_to_first_token_s"])
        let late = try #require(metrics["time_to_first_token_p95_s"])
        let latencies = try #require(result["latencies_s"] as? [Double])
        #expect(first > 0.004 && first <= late && late <= latencies.max() ?? 0)
        let start = try #require(result["start_monotonic_s"] as? Double)
        let end = try #require(result["end_monotonic_s"] as? Double)
        let rate = try #require(metrics["output_tokens_per_s"])
        #expect(rate >= 8 / (end - start) && rate < 8 / latencies.max()!)
        #expect(metrics["output_chunks"] == nil)
    }

    @Test func metricsAreOfOneRunAlone() throws {
        let server = try ScriptedServer { _, _ in Self.good }
        let program = try ready(server)
        for count in [3, 1] {
            let metrics = try program.result("run", ["count": count])["metrics"] as? [String: Double]
            #expect(metrics?["output_tokens"] == Double(2 * count))
        }
    }

    @Test func whereTheServerDoesNotCountThePiecesAreCounted() throws {
        let server = try ScriptedServer { _, _ in
            .stream([Self.piece("a"), Self.piece(""), Self.piece("b"), Self.done])
        }
        let metrics = try #require(ready(server).result("run", ["count": 2])["metrics"] as? [String: Double])
        #expect(metrics["output_chunks"] == 4)
        #expect(metrics["output_tokens"] == nil && metrics["output_tokens_per_s"] == nil)
    }

    @Test func eventsComeInAnyPiecesAndLineEnds() throws {
        let server = try ScriptedServer { number, _ in
            number % 2 == 0
                ? .stream([
                    ": hello\r\n\r\nda", "ta:{\"choices\":[{\"te", "xt\":\"x\"}]}\r",
                    "\n\r\n" + Self.usage(1, 1) + Self.done,
                ])
                : .stream(["event: m\ndata: {\"choices\":\ndata: [{\"text\":\"x\"}]}\n\n", Self.usage(1, 1), Self.done])
        }
        let result = try ready(server).result("run", ["count": 4])
        #expect(result["completed"] as? Int == 4)
        #expect((result["metrics"] as? [String: Double])?["output_tokens"] == 4)
    }

    @Test func concurrencyIsHowManyAreUnderWay() throws {
        for concurrency in [1, 3] {
            let server = try ScriptedServer { _, _ in Self.good }
            let program = try ready(server, ["concurrency": concurrency])
            let result = try program.result("run", ["count": 20])
            #expect(result["completed"] as? Int == 20)
            #expect((result["latencies_s"] as? [Double])?.count == 20)
            #expect(server.mostOpen == concurrency)
            #expect(server.asked.count == 21, "one of them is that of prepare")
        }
    }

    @Test func requestsSayWhatWasAskedFor() throws {
        let prompts = "\(directory.path)/prompts.jsonl"
        try #"{"prompt": "Once"}"#.appending("\n\n" + #"{"text": "A story"}"# + "\n")
            .write(toFile: prompts, atomically: true, encoding: .utf8)
        let server = try ScriptedServer { _, _ in Self.good }
        let program = try PluginProgram("openai")
        let answer = try program.initialize(
            "summarization", model: "large",
            ["url": server.url + "/", "prompts": prompts, "extra_body": #"{"ignore_eos": true, "temperature": 0.5}"#])
        let workload = (answer["result"] as? [String: Any])?["workload"] as? [String: Any]
        #expect(workload?["dataset"] as? String == "prompts.jsonl")
        #expect(workload?["model"] as? String == "large")
        #expect(workload?["device"] as? String == "server")
        _ = try program.result("prepare")
        _ = try program.result("run", ["count": 3])
        let asked = server.asked.dropFirst().map(\.json)
        #expect(asked.map { $0["prompt"] as? String } == ["Once", "A story\n\nSummary:", "Once"])
        let first = try #require(asked.first)
        #expect(first["max_tokens"] as? Int == 15)
        #expect(first["model"] as? String == "large")
        #expect(first["ignore_eos"] as? Bool == true)
        #expect(first["temperature"] as? Double == 0.5)
        #expect((first["stream_options"] as? [String: Bool]) == ["include_usage": true])
        #expect(server.asked[0].json["max_tokens"] as? Int == 1, "prepare asks for little")
        #expect(server.asked.allSatisfy { $0.path == "/v1/completions" && $0.authorization == nil })
    }

    @Test func randomPromptsDifferAndAreThoseOfTheSeed() throws {
        func prompts() throws -> [String] {
            let server = try ScriptedServer { _, _ in Self.good }
            _ = try ready(server, ["endpoint": "chat", "prompt_length": 9]).result("run", ["count": 3])
            #expect(server.asked.allSatisfy { $0.path == "/v1/chat/completions" })
            return server.asked.dropFirst().compactMap {
                ($0.json["messages"] as? [[String: String]])?.first?["content"]
            }
        }
        let first = try prompts()
        #expect(Set(first).count == 3)
        #expect(first.allSatisfy { $0.split(separator: " ").count == 9 })
        #expect(try prompts() == first)
    }

    @Test(
        "A request that fails is counted, and the run goes on",
        arguments: [
            Script.json(#"{"error": {"message": "slow down"}}"#, status: 429), .json("{}", status: 500),
            .json("no", status: 503), .cut([piece("a")]), .stream([piece("a")]), .stream(["data: {broken\n\n"]),
            .stream([piece("a"), event(#"{"error": {"message": "out of memory"}}"#), done]), .hangUp, .never,
            .stall([piece("a")]), .json(#"{"choices": []}"#),
        ])
    func failures(script: Script) throws {
        var worst = 2...2
        var limit = 120
        switch script {
        // What is hung up on a kept connection is asked again, for the server may have closed it before.
        case .hangUp: worst = 2...3
        // The good answers have this limit too, and a busy machine.
        case .never, .stall: limit = 4
        default: break
        }
        let server = try ScriptedServer { [worst] number, _ in worst.contains(number) ? script : Self.good }
        let result = try ready(server, ["timeout_s": limit]).result("run", ["count": 4])
        #expect(result["completed"] as? Int == 3)
        #expect(result["failed"] as? Int == 1)
        #expect((result["metrics"] as? [String: Double])?["output_tokens"] == 6)
    }

    @Test func aKeptConnectionThatIsClosedIsNoFailure() throws {
        let server = try ScriptedServer { number, _ in number == 2 ? .hangUp : Self.good }
        let result = try ready(server).result("run", ["count": 4])
        #expect(result["completed"] as? Int == 4 && result["failed"] as? Int == 0)
        #expect(server.asked.count == 1 + 5)
    }

    @Test func aRunInWhichAllFailsSaysWhy() throws {
        let cases: [(Script, String)] = [
            (
                .json(#"{"error": {"message": "slow down"}}"#, status: 429),
                "429 Too Many Requests: slow down; wait until"
            ),
            (.cut([Self.piece("a")]), "log"), (.stall([Self.piece("a")]), "within 4.0 s"),
            (.stream(["data: {broken\n\n"]), "not JSON"), (.stream([Self.piece("a")]), "breaks off"),
            (.json("{}"), "`choices`"),
        ]
        for (script, words) in cases {
            let server = try ScriptedServer { number, _ in number == 0 ? Self.good : script }
            let answer = try ready(server, ["timeout_s": 4]).call("run", ["count": 1])
            #expect(refusal(answer).contains(words), "\(answer)")
        }
    }

    /// What a plain document may lack.
    @Test func answersWithoutAStream() throws {
        let server = try ScriptedServer { number, asked in
            #expect(asked.json["stream"] as? Bool == false)
            return number == 2
                ? .json("[1]")
                : .json(
                    #"{"choices":[{"message":{"content":"Hi"}}],"usage":{"prompt_tokens":5,"completion_tokens":3}}"#)
        }
        let result = try ready(server, ["stream": false]).result("run", ["count": 3])
        #expect(result["completed"] as? Int == 2)
        let metrics = try #require(result["metrics"] as? [String: Double])
        #expect(metrics["input_tokens"] == 10 && metrics["output_tokens"] == 6)
        #expect(metrics["time_to_first_token_s"] == nil)
    }

    @Test func aServerThatDiesEndsTheRunAtOnce() throws {
        var server: ScriptedServer? = try ScriptedServer { _, _ in Self.good }
        let program = try ready(try #require(server))
        try program.send(#"{"jsonrpc":"2.0","id":5,"method":"run","params":{"duration_s":6000}}"#)
        #expect(try program.message()["method"] as? String == "progress")
        let begin = ContinuousClock.now
        server = nil
        var answer = try program.message()
        while answer["method"] != nil { answer = try program.message() }
        #expect(refusal(answer).contains("onnection refused; check that it runs"), "\(answer)")
        #expect(ContinuousClock.now - begin < .seconds(600), "not at the end of its time")
    }

    @Test func aServerFromBeforeStreamOptions() throws {
        let server = try ScriptedServer { _, asked in
            asked.json["stream_options"] == nil
                ? .stream([Self.piece("a"), Self.done])
                : .json(#"{"error": {"message": "unknown field stream_options"}}"#, status: 400)
        }
        #expect(try ready(server).result("run", ["count": 2])["completed"] as? Int == 2)
    }

    @Test func whatIsWrongIsSaidBeforeAnythingIsMeasured() throws {
        #expect(try refused(["url": "http://127.0.0.1:1/v1"]).contains("Connection refused; check that it runs"))
        #expect(try refused(["url": "http://no-such-host.invalid/v1"]).contains("name is not known"))
        #expect(try refused(["url": "nonsense"]).contains("not an address of a server"))
        let secret = try refused(["url": "http://me:secret@127.0.0.1/v1"])
        #expect(secret.contains("--api-key-file") && !secret.contains("secret"))
        let server = try ScriptedServer { _, _ in Self.good }
        #expect(try refused(["url": server.url], model: "huge").contains("no model `huge` (it has small, large)"))
        #expect(try refused(["url": server.url], task: "fill-mask").contains("`fill-mask`"))
        #expect(try refused(["url": server.url, "concurrency": 0]).contains("concurrency"))
        #expect(try refused(["url": server.url, "extra_body": "[]"]).contains("extra_body"))
        #expect(try refused(["url": server.url, "prompts": "/nowhere.jsonl"]).contains("/nowhere.jsonl"))
        for (script, words) in [
            (Script.json("{}", status: 404), "ends in /v1"), (.json("<html>"), "no list of models"),
            (.json(#"{"data": []}"#), "has no model"), (.json("{}", status: 301), "leads to"),
        ] {
            let server = try ScriptedServer(models: script) { _, _ in Self.good }
            #expect(try refused(["url": server.url]).contains(words))
        }
        for (line, words) in [
            ("{\"prompt\": \"a\"}\nnonsense", ":2: not a JSON object"), ("{\"messages\": [{}]}", "endpoint=chat"),
            ("{\"x\": 1}", ":1: neither"), ("\n", "holds no prompt"),
        ] {
            let file = "\(directory.path)/wrong.jsonl"
            try line.write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try refused(["url": server.url, "prompts": file]).contains(words))
        }
    }

    @Test func theKeyIsSentAndShownNowhere() throws {
        let key = "sk-very-secret"
        let file = "\(directory.path)/key"
        try " \(key)\n".write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        let server = try ScriptedServer { number, _ in
            number == 0 ? Self.good : .json(#"{"error": {"message": "bad key \#(key)"}}"#, status: 401)
        }
        let program = try ready(server, ["api_key_file": file])
        let answer = try program.call("run", ["count": 1])
        #expect(refusal(answer).contains("401 Unauthorized: bad key …; the server refuses the key"))
        #expect(!"\(answer)".contains(key))
        #expect(server.all.allSatisfy { $0.authorization == "Bearer \(key)" })

        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        #expect(try refused(["url": server.url, "api_key_file": file]).contains("chmod 600"))
        #expect(try refused(["url": server.url, "api_key_file": "/nowhere"]).contains("/nowhere"))
        #expect(try refused(["url": server.url, "api_key_file": directory.path]).contains("not a file"))
    }

    /// A proxy of the environment is asked for what is elsewhere, and never for what is on this machine.
    @Test func aProxyIsForWhatIsElsewhere() throws {
        let server = try ScriptedServer { _, _ in Self.good }
        let proxy = try ScriptedServer { _, _ in Self.good }
        let environment = [
            "http_proxy": String(proxy.url.dropLast("/v1".count)), "no_proxy": "", "NO_PROXY": "",
        ]
        for url in ["http://models.invalid/v1", server.url] {
            let program = try PluginProgram("openai", environment: environment)
            #expect(try program.initialize("text-generation", ["url": url])["result"] != nil)
        }
        #expect(proxy.all.map(\.path) == ["http://models.invalid/v1/models"])
        #expect(server.all.map(\.path) == ["/v1/models"])
    }

    @Test func aCertificateThatNobodyVouchesForIsRefused() throws {
        let certificate = "\(directory.path)/cert.pem"
        let key = "\(directory.path)/key.pem"
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        openssl.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        let tls = try TLSContext(certificate: certificate, key: key)
        let server = try ScriptedServer(tls: tls) { _, _ in Self.good }
        #expect(try refused(["url": server.url]).contains("certificate cannot be verified"))
        let plain = try ScriptedServer { _, _ in Self.good }
        let wrong = plain.url.replacingOccurrences(of: "http:", with: "https:")
        #expect(try refused(["url": wrong]).contains("ca_file"))
        #expect(try refused(["url": server.url, "ca_file": "/nowhere"]).contains("/nowhere"))
        let program = try ready(server, ["ca_file": certificate])
        #expect(try program.result("run", ["count": 2])["completed"] as? Int == 2)
    }
}
