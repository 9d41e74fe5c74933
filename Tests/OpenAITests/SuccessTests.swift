import Foundation
import TestSupport
import Testing

/// What the plugin takes for an answer, and what for an error: the forms that servers use.
@Suite("What the openai plugin counts as a success") struct SuccessTests {
    /// An answer that is none, with words of it that the message repeats.
    struct Failure: Sendable, CustomTestStringConvertible {
        var name: String
        var script: Script
        var words: String
        var testDescription: String { name }
    }

    private static func event(_ json: String) -> String { "data: \(json)\n\n" }
    private static func delta(_ json: String, finish: String = "null") -> String {
        event(#"{"choices":[{"index":0,"delta":\#(json),"finish_reason":\#(finish)}]}"#)
    }
    private static let piece = delta(#"{"content":"One"}"#)
    private static let stop = delta("{}", finish: #""stop""#)
    private static let done = "data: [DONE]\n\n"
    private static let good = Script.stream([piece, stop, done])

    /// Scripts that are played one after another to one plugin, each for a run of one inference.
    private func play(
        _ scripts: [Script], _ parameters: [String: Any] = [:], _ look: (Int, [String: Any]) throws -> Void
    ) throws {
        let stream = parameters["stream"] as? Bool ?? true
        let first = stream ? Self.good : Script.json(#"{"choices":[{"message":{"content":"Hi"}}]}"#)
        let server = try ScriptedServer { number, _ in number == 0 ? first : scripts[number - 1] }
        let program = try PluginProgram("openai")
        let given = ["url": server.url, "endpoint": "chat"] as [String: Any]
        let answer = try program.initialize("text-generation", parameters.merging(given) { own, _ in own })
        try #require(answer["result"] != nil, "\(answer)")
        _ = try program.result("prepare")
        for number in scripts.indices { try look(number, program.call("run", ["count": 1])) }
        #expect(server.asked.count == 1 + scripts.count, "nothing is asked twice")
    }

    static let streams: [Failure] = [
        .init(
            name: "llama.cpp's line `error:`",
            script: .stream([
                #"error: {"code":400,"message":"the request exceeds the available context size"}"# + "\n\n", done,
            ]), words: "exceeds the available context"),
        .init(
            name: "the same after a piece", script: .stream([piece, "error: out of slots\r\n\r\n", stop, done]),
            words: "out of slots"),
        .init(name: "nothing but the end", script: .stream([done]), words: "no token came"),
        .init(
            name: "an end without a token", script: .stream([delta(#"{"content":""}"#), stop, done]),
            words: "no token came"),
        .init(
            name: "only a count", script: .stream([event(#"{"choices":[],"usage":{"prompt_tokens":1}}"#), done]),
            words: "no token"),
        .init(
            name: "vLLM's object",
            script: .stream([piece, event(#"{"object":"error","message":"too long","code":400}"#), done]),
            words: "too long"),
        .init(
            name: "OpenAI's object", script: .stream([piece, event(#"{"error":{"message":"overloaded"}}"#), done]),
            words: "overloaded"),
        .init(
            name: "TGI's text",
            script: .stream([piece, event(#"{"error":"Out of memory","error_type":"generation"}"#), done]),
            words: "Out of memory"),
        .init(
            name: "FastChat's code",
            script: .stream([piece, event(#"{"text":"CUDA error","error_code":50002}"#), done]), words: "CUDA error"),
        .init(name: "FastAPI's text", script: .stream([event(#"{"detail":"not found"}"#), done]), words: "not found"),
        .init(
            name: "FastAPI's list",
            script: .stream([event(#"{"detail":[{"loc":["body","n"],"msg":"too many"}]}"#), done]),
            words: "body.n: too many"),
        .init(
            name: "an event `error` with JSON",
            script: .stream([piece, "event: error\ndata: {\"message\":\"gone\"}\n\n", stop, done]), words: "gone"),
        .init(
            name: "an event `error` with a text",
            script: .stream([piece, "event: error\ndata: worker died\n\n", done]), words: "worker died"),
        .init(
            name: "an event `error` without a word", script: .stream([piece, "event: error\n\n", stop, done]),
            words: "does not say why"),
        .init(
            name: "an event of another kind that is an error",
            script: .stream([
                piece, "event: response\ndata: {\"object\":\"error\",\"message\":\"bad\"}\n\n", stop, done,
            ]),
            words: "bad"),
        .init(
            name: "an event that is called otherwise",
            script: .stream([piece, "event: stream_error\ndata: {\"code\":7}\n\n", stop, done]), words: "7"),
        .init(
            name: "a type", script: .stream([piece, event(#"{"type":"error","message":"busy"}"#), stop, done]),
            words: "busy"),
        .init(
            name: "an error after the finish",
            script: .stream([piece, stop, event(#"{"error":{"message":"late"}}"#), done]), words: "late"),
        .init(
            name: "OpenRouter's choice",
            script: .stream([
                piece,
                event(
                    #"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"provider"}}]}"#
                ),
                done,
            ]), words: "provider"),
        .init(
            name: "finish_reason error", script: .stream([piece, delta("{}", finish: #""error""#), done]),
            words: "`error`"),
        .init(
            name: "finish_reason abort", script: .stream([piece, delta("{}", finish: #""abort""#), done]),
            words: "`abort`"),
        .init(name: "a text in JSON", script: .stream([piece, event(#""it broke""#), done]), words: "it broke"),
        .init(
            name: "a text", script: .stream([piece, "data: Internal Server Error\n\n", done]),
            words: "Internal Server Error"),
        .init(name: "no end", script: .stream([piece]), words: "breaks off"),
        .init(
            name: "no end of one of two",
            script: .stream([
                piece, event(#"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#),
            ]),
            words: "breaks off"),
        .init(
            name: "an error without an empty line", script: .stream([piece, "data: {\"error\":\"cut short\"}\n"]),
            words: "cut short"),
        .init(name: "a document as a stream", script: .stream([#"{"error":{"message":"loading"}}"#]), words: "loading"),
        .init(name: "a cut", script: .cut([piece, stop]), words: "middle"),
        .init(
            name: "a document", script: .json(#"{"error":{"message":"model is still loading"}}"#),
            words: "model is still loading"),
        .init(name: "a document of FastAPI", script: .json(#"{"detail":"busy"}"#), words: "busy"),
        .init(
            name: "a whole answer", script: .json(#"{"choices":[{"message":{"content":"a"}}]}"#), words: "stream=false"),
        .init(
            name: "a page", script: .typed("text/html", "<html><body>Welcome</body></html>"),
            words: "HTML"),
        .init(name: "a page as JSON", script: .json("<!DOCTYPE html><html></html>"), words: "HTML"),
        .init(
            name: "a page as a stream", script: .stream(["<!doctype html>\n<html>\n</html>\n"]),
            words: "HTML"),
        .init(name: "nothing", script: .json(""), words: "answer is empty"),
        .init(name: "nothing in a stream", script: .stream([]), words: "before a token came"),
        .init(
            name: "lines",
            script: .typed("application/x-ndjson", "{\"response\":\"a\"}\n{\"response\":\"b\"}\n"),
            words: "NDJSON"),
        .init(
            name: "lines as a stream", script: .stream(["{\"response\":\"a\"}\n{\"response\":\"b\"}\n"]),
            words: "NDJSON"),
        .init(
            name: "a text of another type", script: .typed("text/plain", "it works"), words: "it works"),
        .init(name: "a document without choices", script: .json(#"{"models":[]}"#), words: "`choices`"),
        .init(
            name: "an error that is nothing", script: .stream([piece, event(#"{"error":{}}"#), done]),
            words: "gave up"),
        .init(
            name: "MiniMax's status",
            script: .json(#"{"base_resp":{"status_code":1004,"status_msg":"login fail"}}"#),
            words: "login fail"),
        .init(
            name: "MiniMax's status in a stream",
            script: .stream([
                piece,
                event(#"{"choices":[],"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#), stop,
                done,
            ]), words: "rate limit"),
        .init(
            name: "a status with a text", script: .json("upstream timed out", status: 502),
            words: "502 Bad Gateway: upstream timed out"),
        .init(
            name: "a status with a list",
            script: .json(#"{"detail":[{"loc":["body","model"],"msg":"missing"}]}"#, status: 422),
            words: "body.model: missing"),
        .init(
            name: "control characters", script: .stream([event(#"{"error":"a\u001b[2J\nb\u202ec"}"#)]),
            words: "a\u{FFFD}[2J b\u{FFFD}c"),
    ]

    @Test func anErrorInAnyFormFailsWithItsWords() throws {
        try play(Self.streams.map(\.script)) { number, answer in
            let failure = Self.streams[number]
            #expect(answer["result"] == nil, "\(failure.name): \(answer)")
            #expect(refusal(answer).contains(failure.words), "\(failure.name): \(answer)")
        }
    }

    /// Where others went well the words are in no error of the run.
    @Test func theFirstFailureIsToldBesideTheResult() throws {
        let bad = Script.stream([Self.piece, Self.event(#"{"error":{"message":"no slot"}}"#)])
        let server = try ScriptedServer { number, _ in number == 2 ? bad : Self.good }
        let program = try PluginProgram("openai")
        _ = try program.initialize("text-generation", ["url": server.url, "endpoint": "chat"])
        _ = try program.result("prepare")
        let result = try program.result("run", ["count": 3])
        #expect(result["completed"] as? Int == 2 && result["failed"] as? Int == 1)
        #expect(program.messages.last?.contains("no slot") == true, "\(program.messages)")
    }

    @Test func whatAServerSaysIsCut() throws {
        let long = String(repeating: "long ", count: 1000)
        try play([
            .stream([Self.event(#"{"error":"\#(long)"}"#)]), .json(#"{"error":"\#(long)"}"#, status: 500),
        ]) {
            _, answer in
            let error = try #require(answer["error"] as? [String: Any])
            #expect(try #require(error["message"] as? String).count == 401)
        }
    }

    @Test func whatIsNoErrorIsPassedOver() throws {
        let pieces: [String] = [
            // A mark of the byte order, comments, pings, data that is empty, fields and events of other kinds.
            "\u{FEFF}: OPENROUTER PROCESSING\n\n:\n\n", "event: ping\ndata: {\"type\": \"ping\"}\n\n",
            "data:\n\ndata\n\n",
            "event: keep-alive\ndata: still here\n\n", "id: 7\nretry: 10\nunknown: x\n\n",
            "event: status\ndata: {\"message\":\"queued\"}\n\n",
            Self.event(#"{"choices":[],"prompt_filter_results":[{"content_filter_results":{}}]}"#),
            // Fields for an error that hold none.
            Self.event(
                #"{"error":null,"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]}"#
            ),
            Self.event(
                #"{"error":{},"choices":[{"index":0,"delta":{"content":""}}],"base_resp":{"status_code":0,"status_msg":""}}"#
            ),
            Self.event(#"{"error":"","choices":[{"index":0,"delta":{"content":""}}]}"#),
            Self.event(
                #"{"error":{"code":0,"message":""},"choices":[{"index":0,"delta":{"content":""}}]}"#),
            "data: {\"choices\":[{\"index\":0,\r\ndata: \"delta\":{\"content\":\"a\"}}]}\r\n\r\n",
        ]
        let scripts: [Script] = [
            .stream(pieces + [Self.stop, Self.done]),
            // No `[DONE]`, or no finish, or no empty line at the end.
            .stream(pieces + [Self.stop]), .stream(pieces + [Self.done]), .stream(pieces + ["data: [DONE]"]),
            .stream(pieces + ["data:[DONE]\n\n"]), .stream(pieces + ["data:  [DONE] \n\n"]),
            // What comes after the end is no part of the answer.
            .stream(pieces + [Self.done, "data: {\"error\":\"shutting down\"}\n\n"]),
            .stream([
                Self.delta(#"{"reasoning_content":"Hm"}"#), Self.delta("{}", finish: #""length""#),
                Self.done,
            ]),
            .stream([Self.delta(#"{"reasoning":"Hm"}"#, finish: #""length""#)]),
            .stream([
                Self.delta(#"{"tool_calls":[{"index":0,"function":{"name":"f"}}]}"#),
                Self.delta("{}", finish: #""tool_calls""#),
            ]),
            .stream([Self.delta(#"{"function_call":{"name":"f"}}"#, finish: #""function_call""#)]),
            .stream([Self.delta(#"{"refusal":"No."}"#), Self.stop]),
            .stream([Self.delta(#"{"content":[{"type":"text","text":"a"}]}"#), Self.stop]),
            .stream([Self.delta(#"{"content":"a"}"#, finish: #""eos_token""#)]),
            .stream([Self.delta(#"{"content":"a"}"#, finish: #""MAX_TOKENS""#)]),
            .stream([Self.delta(#"{"content":"a"}"#, finish: #""model_length""#)]),
            .stream([
                Self.piece, Self.event(#"{"choices":[{"index":1,"delta":{"content":"b"}}]}"#), Self.stop,
                Self.event(#"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#),
            ]),
        ]
        try play(scripts) { number, answer in
            let result = answer["result"] as? [String: Any]
            #expect(result?["completed"] as? Int == 1, "\(number): \(answer)")
            let metrics = try #require(result?["metrics"] as? [String: Double])
            #expect(metrics["time_to_first_token_s"] != nil)
        }
    }

    /// A gateway may call a stream something else; how long its first token took is then not known.
    @Test func eventsUnderAnotherType() throws {
        let text = [Self.piece, Self.stop, Self.done].joined()
        try play([.typed("text/plain", text), .typed("application/octet-stream", text)]) { _, answer in
            let result = answer["result"] as? [String: Any]
            #expect(result?["completed"] as? Int == 1, "\(answer)")
            #expect((result?["metrics"] as? [String: Double])?["time_to_first_token_s"] == nil)
        }
    }

    @Test func answersWithoutAStreamAlike() throws {
        func choice(_ message: String, _ finish: String) -> Script {
            .json(#"{"error":null,"choices":[{"message":\#(message),"finish_reason":\#(finish)}]}"#)
        }
        let good: [Script] = [
            choice(#"{"content":"a"}"#, #""stop""#), choice(#"{"content":null,"reasoning":"Hm"}"#, #""length""#),
            choice(#"{"content":null,"tool_calls":[{"id":"1"}]}"#, #""tool_calls""#),
            choice(#"{"content":"","refusal":"No."}"#, #""stop""#),
            .json(#"{"choices":[{"text":"a","finish_reason":"length"}]}"#),
        ]
        let bad: [(Script, String)] = [
            (choice(#"{"content":""}"#, #""stop""#), "no token came"),
            (choice(#"{"content":"a"}"#, #""error""#), "`error`"),
            (choice(#"{"content":null,"tool_calls":[]}"#, #""stop""#), "no token came"),
            (.json(#"{"error":{"message":"no memory"}}"#), "no memory"),
            (.json(#"{"object":"error","message":"too long"}"#), "too long"),
            (.json(#"{"detail":"busy"}"#), "busy"), (.json(#"{"error":"no model"}"#), "no model"),
            (.json("{}"), "`choices`"),
            (.json("<html>Hello"), "not JSON: <html>Hello"), (.json(""), "not JSON"),
            (.json(#""it broke""#), "it broke"),
            (
                .json(
                    #"{"choices":[{"message":{"content":""},"finish_reason":"error","error":{"message":"high demand"}}]}"#
                ), "high demand"
            ),
            (.stream([Self.piece, Self.stop, Self.done]), "stream=true"),
        ]
        try play(good + bad.map(\.0), ["stream": false]) { number, answer in
            if number < good.count {
                #expect((answer["result"] as? [String: Any])?["completed"] as? Int == 1, "\(number): \(answer)")
            } else {
                #expect(refusal(answer).contains(bad[number - good.count].1), "\(number): \(answer)")
            }
        }
    }

    /// One token may be a part of a character, or the beginning of a thought that the server keeps to itself.
    @Test func theFirstTokenMayNotBeSeen() throws {
        let firsts: [(Script, String?)] = [
            (.stream([Self.delta(#"{"content":""}"#, finish: #""length""#), Self.done]), nil),
            (.stream([Self.done]), "no token came"), (.stream(["error: no memory\n\n", Self.done]), "no memory"),
        ]
        for (script, words) in firsts {
            let server = try ScriptedServer { _, _ in script }
            let program = try PluginProgram("openai")
            _ = try program.initialize("text-generation", ["url": server.url, "endpoint": "chat"])
            let answer = try program.call("prepare")
            if let words {
                #expect(refusal(answer).contains(words), "\(answer)")
            } else {
                #expect(answer["result"] != nil, "\(answer)")
            }
        }
    }
}
