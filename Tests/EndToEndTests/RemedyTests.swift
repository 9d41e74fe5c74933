import Foundation
import Testing

/// Every remedy can be typed: what a message names is tried on the parsers that users type it into.
@Suite("What messages tell to type", .serialized) struct RemedyTests {
    /// A command of the tree that the parser itself describes.
    private struct Command: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable {
                var kind: String
                var name: String
            }
            var names: [Name]?
        }
        var commandName: String
        var subcommands: [Command]?
        var arguments: [Argument]?

        var options: Set<String> {
            Set((arguments ?? []).flatMap { $0.names ?? [] }.filter { $0.kind == "long" }.map(\.name))
        }
        var all: [Command] { [self] + (subcommands ?? []).flatMap(\.all) }
    }

    private struct Dump: Decodable {
        var command: Command
    }

    private static func tree() throws -> Command {
        let dump = Refusal(parsing: ["--experimental-dump-help"])
        return try JSONDecoder().decode(Dump.self, from: Data(dump.message.utf8)).command
    }

    private static let directories = ["Sources", "Plugins"]
    private static let plugins = ["command", "onnx-model", "onnx-proxies", "openai", "transformers"]

    // MARK: Commands

    /// Words as a shell makes them. A placeholder is a name and a number at once.
    private static func words(_ line: some StringProtocol) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        // What another command puts in is a name like any.
        for character in String(line).replacing(#/\$\([^)]*\)/#, with: "1") {
            if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                if let done = word { words.append(done) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let word { words.append(word) }
        return words.map { word in
            let isPlaceholder = word == "…" || word.wholeMatch(of: #/[A-Z][A-Z_]+/#) != nil
            return isPlaceholder ? "1" : word.replacing("…", with: "1")
        }
    }

    /// What the parser does not know of a line; `nil` if it knows all of it. A line may leave out what is needed: a message names
    /// a command, and not each of its arguments.
    private static func unknown(_ line: some StringProtocol) -> String? {
        let refusal = Refusal(parsing: Array(words(line).dropFirst()))
        let isUnknown =
            refusal.message.contains("Unknown option") || refusal.message.contains("nexpected argument")
            || refusal.message.contains("unknown command")
            || refusal.message.contains("is invalid for")
        return isUnknown ? refusal.message : nil
    }

    @Test func eachCommandOfAMessageIsOne() throws {
        #expect(
            Self.unknown("taskwatt run quick dims=unk__214=9") != nil
                && Self.unknown("taskwatt table --no-such") != nil)
        #expect(Self.unknown("taskwatt tabel") != nil && Self.unknown("taskwatt import codecarbon") == nil)
        // What the plugin onnx-model says of names of all kinds.
        for dimension in ["--dim unk__214=9", "--dim 'past_sequence_length + 1=9'", "--dim 'a,b=9'", "--dim=-1=9"] {
            #expect(Self.unknown("taskwatt run --task custom --plugin onnx-model \(dimension)") == nil, "\(dimension)")
        }
        var (count, seen) = (0, Set<String>())
        for literal in try SourceText.literals(under: Self.directories) {
            let quoted = literal.text.matches(of: #/`(?:sudo )?(taskwatt(?: [^`]*)?)`/#).map { String($0.1) }
            // The examples of the help stand on lines of their own, before a pipe or what they show.
            let examples = literal.text.split(separator: "\n").compactMap { line in
                line.wholeMatch(of: #/ +(?:sudo )?(taskwatt [^|>#&]*?)(?: {2,}.*| *[|>#&].*)?/#).map { String($0.1) }
            }
            for line in quoted + examples {
                count += 1
                guard seen.insert(line).inserted else { continue }
                let unknown = Self.unknown(line)
                #expect(unknown == nil, "\(literal.file):\(literal.line): `\(line)`: \(unknown ?? "")")
            }
        }
        #expect(count > 150, "there are such messages")
    }

    @Test func eachCommandOfThePageIsOne() throws {
        var count = 0
        for file in SourceText.files(under: ["Sources/Service/Page", "Sources/Reporting/Page"], [".html", ".js"]) {
            let text = try String(contentsOfFile: "\(SourceText.root)/\(file)", encoding: .utf8)
            for match in text.matches(of: #/<code>(?:sudo )?(taskwatt [^<]*)<\/code>/#) {
                count += 1
                #expect(Self.unknown(match.1) == nil, "\(file): \(match.1)")
            }
        }
        #expect(count >= 0)
    }

    // MARK: Options

    /// Programs of others that messages name with options of theirs.
    private static let others = [
        "nvidia-smi", "docker", "podman", "apptainer", "pip", "systemctl", "ipmitool", "modprobe", "rocm-smi",
    ]

    /// Files whose texts have options of container engines alone, and of `sbatch`.
    private static let foreign: Set = ["Sources/Host/Container.swift", "Sources/BatchSystems/SlurmScript.swift"]

    /// Commands that speak of another's options.
    private static let speakers = ["plugins": "run", "undo": "codecarbon"]

    /// An option is taken by the command that says it: by one that the file is of, by `run` where a plugin says it, and elsewhere
    /// by one at least.
    @Test func eachOptionOfAMessageIsTaken() throws {
        let commands = try Self.tree().all
        // Every command has these of the parser's own.
        let common: Set<String> = ["help", "version"]
        let all = commands.reduce(into: common) { $0.formUnion($1.options) }
        let run = try #require(commands.first { $0.commandName == "run" }).options
        var count = 0
        for (file, literals) in Dictionary(grouping: try SourceText.literals(under: Self.directories), by: \.file)
        where !Self.foreign.contains(file) {
            let text = try String(contentsOfFile: "\(SourceText.root)/\(file)", encoding: .utf8)
            let names = Set(text.matches(of: #/commandName: "([a-z-]+)"/#).map { String($0.1) })
            let spoken = names.union(names.compactMap { Self.speakers[$0] })
            let own = commands.filter { spoken.contains($0.commandName) }.flatMap(\.all)
                .reduce(into: Set<String>()) { $0.formUnion($1.options) }
            let taken = file.hasPrefix("Plugins/") ? run : own.isEmpty ? all : own.union(common)
            // Words, and no list of arguments for another program.
            for literal in literals where literal.text.contains(" ") {
                // A command that is written out is tried as such.
                let rest = literal.text.replacing(#/`(sudo )?taskwatt[^`]*`/#, with: "")
                for match in rest.matches(of: #/(?:^|[\s('"`])--([a-z][a-z-]*[a-z])(?![\w-])/#) {
                    let before = rest[..<match.range.lowerBound].suffix(40)
                    if Self.others.contains(where: before.contains) { continue }
                    count += 1
                    // Examples of the help may be of another command, and are tried as such.
                    let isTaken = taken.contains(String(match.1)) || Self.isExample(match.range.lowerBound, in: rest)
                    #expect(isTaken, "\(file):\(literal.line): --\(match.1) is no option here")
                }
            }
        }
        #expect(count > 100, "there are such messages")
    }

    private static func isExample(_ place: String.Index, in text: String) -> Bool {
        let start = text[..<place].lastIndex(of: "\n").map(text.index(after:)) ?? text.startIndex
        return text[start...].prefixMatch(of: #/ *(?:sudo )?taskwatt /#) != nil
    }

    // MARK: Parameters of plugins

    /// What a plugin says to set is a parameter of its manifest, and is said as the command line takes it.
    @Test func eachParameterOfAMessageCanBeSet() throws {
        var count = 0
        for plugin in Self.plugins {
            let manifest = try String(
                contentsOfFile: "\(SourceText.root)/Plugins/\(plugin)/plugin.yaml", encoding: .utf8)
            let parameters =
                manifest.split(separator: "parameters:", maxSplits: 1).last?
                .matches(of: #/\{name: ([a-z_]+)/#).map { String($0.1) } ?? []
            #expect(!parameters.isEmpty)
            for literal in try SourceText.literals(under: ["Plugins/\(plugin)"]) {
                let place = "\(literal.file):\(literal.line)"
                for match in literal.text.matches(of: #/--set ([a-z_]+)=?/#) {
                    count += 1
                    #expect(parameters.contains(String(match.1)), "\(place): \(plugin) has no parameter \(match.1)")
                }
                let rest = literal.text.replacing(#/--set [a-z_]+/#, with: "")
                for match in rest.matches(of: #/(?:^|[\s('"`])([a-z_]+)=/#) where parameters.contains(String(match.1)) {
                    Issue.record("\(place): \(match.1)= is typed as --set \(match.1)=")
                }
                guard literal.label.hasSuffix("remedy:") else { continue }
                for word in rest.split(whereSeparator: { !$0.isLetter && $0 != "_" }) where word.contains("_") {
                    #expect(!parameters.contains(String(word)), "\(place): \(word) is typed as --set \(word)=")
                }
            }
        }
        #expect(count > 10, "there are such messages")
    }

    // MARK: Keys of files

    /// The keys that a parser says to know when it is given one that it does not know.
    private static func known(_ message: String) -> Set<String> {
        Set(
            message.matches(of: #/\(known: ([^)]*)\)|with the keys ([a-z_, ]+)/#).flatMap { match in
                (match.1 ?? match.2 ?? "").split(separator: ", ").map(String.init)
            })
    }

    @Test func eachKeyOfAMessageIsOne() async throws {
        let scratch = try Scratch()
        var keys: Set<String> = []
        let types = ["shelly", "tasmota", "home-assistant", "prometheus", "json", "redfish"]
        let meters = types.map { "{name: a, type: \($0), no_such_key: 1}" }.joined(separator: ", ")
        let file = try scratch.write(
            "taskwatt.yaml",
            """
            no_such_key: 1
            meters: [\(meters), {name: a, no_such_key: 1}]
            overrides: {a: {no_such_key: 1}}
            listen: {no_such_key: 1}
            keep: {no_such_key: 1}
            collector: {no_such_key: 1}
            drop: {no_such_key: 1}
            collect: {no_such_key: 1}
            """)
        keys.formUnion(Self.known(try await scratch.taskwatt("config", "check", file).error))
        #expect(
            keys.isSuperset(of: ["meters", "overrides", "listen", "insecure", "ca_file", "plausible_power_w"]),
            "\(keys)")
        for text in ["no_such_key: 1", "runs: [{no_such_key: 1}]"] {
            let file = try scratch.write("suite.yaml", text)
            keys.formUnion(Self.known(await Refusal(running: ["run", file], in: scratch).message))
        }
        #expect(keys.isSuperset(of: ["runs", "repeats"]), "\(keys)")
        var count = 0
        for literal in try SourceText.literals(under: [
            "Sources/PolledMeters", "Sources/Service", "Sources/API", "Sources/Listening", "Sources/Metering",
            "Sources/Suites", "Sources/Forwarding", "Sources/Collecting",
        ]) {
            let place = "\(literal.file):\(literal.line)"
            // `insecure: true`, and `listen:`.
            for match in literal.text.matches(of: #/`([a-z][a-z_]*):(?: [^`]*)?`/#) {
                count += 1
                #expect(keys.contains(String(match.1)), "\(place): there is no key \(match.1)")
            }
            // `ca_file` after a word that tells to write it.
            for match in literal.text.matches(
                of: #/(?:by|give|say|set|raise|add|remove|name a|with) `([a-z]+(?:_[a-z]+)+)`/#)
            {
                count += 1
                #expect(keys.contains(String(match.1)), "\(place): there is no key \(match.1)")
            }
        }
        #expect(count > 3, "there are such messages")
    }
}
