import Core
import Foundation
import PluginKit

/// What the server is asked, one after another and then from the start again.
struct Prompts: Sendable {
    enum Prompt: Sendable, Hashable {
        case text(String)
        /// Messages of a chat.
        case messages(JSONValue)
    }

    private enum Source: Sendable {
        case file([Prompt])
        case random(seed: Int64, words: Int)
    }

    private static let longestFile = 1 << 30

    private let source: Source
    private let task: Settings.Task
    /// For the record: the file's name, or `synthetic`.
    let name: String

    /// Prompts of random words. Each is another one, so that no cache of the server can answer.
    init(seed: Int64, words: Int, task: Settings.Task) {
        source = .random(seed: seed, words: words)
        name = "synthetic"
        self.task = task
    }

    /// The prompts of a file of JSON lines, each with `prompt` (sent as it is), `text` (to be summarized, or to be gone
    /// on with) or `messages` (of a chat).
    init(file path: String, task: Settings.Task, endpoint: Settings.Endpoint) throws {
        self.task = task
        name = (path as NSString).lastPathComponent
        let text: String
        do throws(BoundedFileError) {
            text = try BoundedFile.text(path, upTo: Self.longestFile)
        } catch {
            if case .tooLong = error.kind {
                throw PluginProblem("\(path) is longer than 1 GiB", remedy: "give a part of it")
            }
            throw PluginProblem(
                "the prompts in \(path) cannot be read",
                remedy: "give a file in UTF-8 that is there and that you may read", isUnavailable: true)
        }
        var prompts: [Prompt] = []
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
        where line.contains(where: { !$0.isWhitespace }) {
            do {
                prompts.append(try Self.prompt(Data(line.utf8), task, endpoint))
            } catch let problem as PluginProblem {
                throw PluginProblem("\(path):\(number + 1): \(problem.message)", remedy: problem.remedy)
            }
        }
        guard !prompts.isEmpty else {
            throw PluginProblem(
                "\(path) holds no prompt", remedy: #"write lines such as {"prompt": "Once upon a time"}"#)
        }
        source = .file(prompts)
    }

    private static func prompt(
        _ line: Data, _ task: Settings.Task, _ endpoint: Settings.Endpoint
    ) throws -> Prompt {
        guard let json = JSONValue(parsing: line), case .object = json else {
            throw PluginProblem("not a JSON object", remedy: #"write one such as {"prompt": "Once upon a time"}"#)
        }
        if let text = json["prompt"]?.stringValue { return .text(text) }
        if let text = json["text"]?.stringValue {
            return .text(task == .summarization ? summarize(text, endpoint) : text)
        }
        if let messages = json["messages"], messages.list?.isEmpty == false {
            guard endpoint == .chat else {
                throw PluginProblem("`messages` are of a chat", remedy: "use --set endpoint=chat")
            }
            return .messages(messages)
        }
        throw PluginProblem(
            "neither `prompt` nor `text` nor `messages` is in it", remedy: "give one of them; texts are strings")
    }

    /// A text as a prompt that asks for its summary.
    static func summarize(_ text: String, _ endpoint: Settings.Endpoint) -> String {
        endpoint == .chat ? "Summarize this text in one sentence.\n\n\(text)" : "\(text)\n\nSummary:"
    }

    /// The prompt of a number from 0.
    func prompt(_ number: Int, _ endpoint: Settings.Endpoint) -> Prompt {
        switch source {
        case .file(let prompts): return prompts[number % prompts.count]
        case .random(let seed, let count):
            var random = SplitMix(state: UInt64(bitPattern: seed) &+ UInt64(number) &* 0x2545_f491_4f6c_dd1d)
            let text = (0..<count).map { _ in Self.words[Int(random.next() % UInt64(Self.words.count))] }
                .joined(separator: " ")
            return .text(task == .summarization ? Self.summarize(text, endpoint) : text)
        }
    }

    /// Frequent English words, each a token or two in the vocabularies of today's models.
    private static let words = [
        "the", "people", "water", "house", "and", "small", "light", "river", "of", "morning", "market", "road", "to",
        "found", "many", "children", "in", "city", "work", "music", "that", "history", "paper", "garden", "with",
        "world", "winter", "letter", "was", "window", "story", "train", "for", "mountain", "island", "question",
    ]
}

/// Vigna's SplitMix64: small, and the same on every machine.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
