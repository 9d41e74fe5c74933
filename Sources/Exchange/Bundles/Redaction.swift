package import Core
import Digests
package import Foundation
import Glibc

/// Puts pseudonyms in the place of what tells who or where: host names, user names, paths, addresses, serial numbers.
///
/// A pseudonym is a prefix of an HMAC-SHA256 (RFC 2104) of the name, keyed by a secret of the machine that makes the bundle.
/// So two bundles of one machine belong together, and nobody can try names against it. The key is kept nowhere.
package struct Redaction: Sendable {
    private let key: Digest
    /// What is replaced wherever it stands as a word, in lower case, the longest first.
    private var names: [(name: String, pseudonym: String)] = []

    /// - Parameters:
    ///   - secret: of the machine, such as its machine-id.
    ///   - userNames: those of people; a service's name, such as `root`, tells nothing.
    /// - Throws: `DigestError` where no pseudonyms can be made; then nothing may leave the machine. So do all that make some.
    package init(secret: Data, hostNames: [String], userNames: [String]) throws {
        key = try SHA256.hash(Data("taskwatt bundle 1\0".utf8) + secret)
        for name in hostNames { try add(host: name) }
        for name in userNames where !Self.services.contains(name) { add(name, as: try pseudonym("user", name)) }
    }

    /// Of this machine: its machine-id (which machine-id(5) asks to keep confidential), its name and its users.
    package static func ofThisMachine() throws -> Redaction {
        let secret = ["/etc/machine-id", "/var/lib/dbus/machine-id"].lazy.compactMap {
            try? BoundedFile.data($0, upTo: BoundedFile.state)
        }.first { !$0.isEmpty }
        let host = ProcessInfo.processInfo.hostName
        let environment = ProcessInfo.processInfo.environment
        var users = ["USER", "LOGNAME", "SUDO_USER"].compactMap { environment[$0] }
        if let entry = getpwuid(getuid()) { users.append(String(cString: entry.pointee.pw_name)) }
        let accounts = (try? BoundedFile.data("/etc/passwd", upTo: BoundedFile.state)).map {
            String(decoding: $0, as: UTF8.self)
        }
        for line in (accounts ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            // Those of people, by the usual UID_MIN of login.defs(5).
            if fields.count > 2, let id = Int(fields[2]), (1000..<65534).contains(id) {
                users.append(String(fields[0]))
            }
        }
        return try Redaction(secret: secret ?? Data(host.utf8), hostNames: [host], userNames: users)
    }

    private static let services: Set<String> = ["", "root", "taskwatt", "nobody", "runner", "user"]

    /// The same, and knowing one more name of a machine or of a device on the network.
    package func adding(host name: String) throws -> Redaction {
        var copy = self
        try copy.add(host: name)
        return copy
    }

    private mutating func add(host name: String) throws {
        let pseudonym = try machine(name)
        add(name, as: pseudonym)
        // Its name without the domain is its name too; an address has no such thing.
        if let first = name.split(separator: ".").first, first.count < name.count, first.contains(where: \.isLetter) {
            add(String(first), as: pseudonym)
        }
    }

    private mutating func add(_ name: String, as pseudonym: String) {
        guard !name.isEmpty, name != "localhost" else { return }
        names.append((name.lowercased(), pseudonym))
        names.sort { $0.name.utf8.count > $1.name.utf8.count }
    }

    /// The name of a machine in a bundle.
    package func machine(_ name: String) throws -> String { try pseudonym("machine", name) }

    /// Whether a bundle could have this name for a machine that it does not tell the name of.
    package static func isPseudonym(ofMachine name: String) -> Bool {
        name.wholeMatch(of: /machine-[0-9a-f]{8}/) != nil
    }

    private func pseudonym(_ kind: String, _ name: String) throws -> String {
        let code = try SHA256.authenticationCode(of: "\(kind)\0\(name.lowercased())".utf8, key: key.bytes)
        return "\(kind)-\(code.hexadecimal.prefix(8))"
    }

    // MARK: Text

    /// A text without names, paths and addresses.
    package func text(_ text: String) throws -> String {
        var result = ""
        var token = ""
        for character in text {
            if character.isWhitespace || Self.delimiters.contains(character) {
                result += try self.token(token)
                token = ""
                result.append(character)
            } else {
                token.append(character)
            }
        }
        return withoutNames(result + (try self.token(token)))
    }

    private static let delimiters: Set<Character> = [
        "\"", "'", "`", ",", ";", "(", ")", "[", "]", "{", "}", "<", ">", "|", "=",
    ]

    private func token(_ token: String) throws -> String {
        if token.isEmpty { return token }
        if token.contains("://") { return try pseudonym("url", token) }
        if token.contains("@"), token.contains(".") { return try pseudonym("address", token) }
        if token.wholeMatch(of: /(?:[0-9A-Fa-f]{2}[:\-]){5}[0-9A-Fa-f]{2}/) != nil {
            return try pseudonym("address", token)
        }
        if Self.isIPv6(token) { return try pseudonym("address", token) }
        if token.wholeMatch(of: /(?:GPU|MIG)-[0-9A-Fa-f\-]{36}/) != nil { return try pseudonym("serial", token) }
        return try token.split(separator: ":", omittingEmptySubsequences: false).map { try piece(String($0)) }
            .joined(separator: ":")
    }

    /// RFC 4291, 2.2, with a zone or a length of prefix; a PCI address has a dot, and a time of day fewer groups.
    private static func isIPv6(_ token: String) -> Bool {
        guard
            token.wholeMatch(of: /(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:%[0-9A-Za-z]+)?(?:\/[0-9]{1,3})?/) != nil
        else { return false }
        return token.contains("::") || token.count(where: { $0 == ":" }) == 7
    }

    private func piece(_ piece: String) throws -> String {
        if let path = isPath(piece) { return path ? try self.path(piece) : piece }
        // A path behind an option's letter, as in -I/home/…
        for start in ["/home/", "/root/", "/Users/", "/run/user/", "/tmp/", "~/"] {
            if let range = piece.range(of: start) {
                return try piece[..<range.lowerBound] + path(String(piece[range.lowerBound...]))
            }
        }
        // An address may stand in a meter's id, behind a slash.
        return try piece.replacing(/[0-9]{1,3}(?:\.[0-9]{1,3}){3}/) { try pseudonym("address", String($0.output)) }
    }

    /// Whether a piece is a path that tells something; `nil` if it is no path.
    private func isPath(_ piece: String) -> Bool? {
        if piece.hasPrefix("~") || piece.hasPrefix("./") || piece.hasPrefix("../") {
            return piece.contains("/")
        }
        // `org/model` is a model's name; with the ending of a file it is a file.
        if !piece.hasPrefix("/"), piece.contains("/"), let ending = piece.split(separator: ".").last,
            Self.fileEndings.contains(ending.lowercased())
        {
            return true
        }
        guard piece.hasPrefix("/"), piece.count > 1 else { return nil }
        if Self.sharedPaths.contains(where: { piece == $0 || piece.hasPrefix($0 + "/") }) { return false }
        let components = piece.split(separator: "/")
        guard let first = components.first else { return nil }
        return !Self.systemDirectories.contains(String(first))
    }

    private static let fileEndings: Set<String> = [
        "onnx", "safetensors", "gguf", "bin", "pt", "py", "sh", "csv", "tsv", "txt", "json", "jsonl", "parquet", "yaml",
        "yml",
    ]

    /// What every machine has tells nothing of this one.
    private static let systemDirectories: Set<String> = [
        "sys", "proc", "dev", "usr", "lib", "lib64", "bin", "sbin", "boot", "etc",
    ]

    /// Where a package puts its files on every machine; our own help names them.
    private static let sharedPaths = ["/run/taskwatt", "/opt/rocm"]

    /// A model's file stays known as one by the end of its name.
    private func path(_ path: String) throws -> String {
        let name = path.split(separator: "/").last ?? ""
        let ending =
            name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last.map(String.init) ?? ""
        let isKnown =
            (1...11).contains(ending.count) && ending.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        return try pseudonym("path", path) + (isKnown && withoutNames(ending) == ending ? ".\(ending)" : "")
    }

    private func withoutNames(_ text: String) -> String {
        var text = text
        for (name, pseudonym) in names {
            var start = text.startIndex
            while let range = text.range(of: name, options: .caseInsensitive, range: start..<text.endIndex) {
                let before = range.lowerBound > text.startIndex ? text[text.index(before: range.lowerBound)] : " "
                let after = range.upperBound < text.endIndex ? text[range.upperBound] : " "
                let distance = text.distance(from: text.startIndex, to: range.lowerBound)
                if before.isLetter || before.isNumber || after.isLetter || after.isNumber {
                    start = text.index(text.startIndex, offsetBy: distance + 1)
                } else {
                    text.replaceSubrange(range, with: pseudonym)
                    start = text.index(text.startIndex, offsetBy: distance + pseudonym.count)
                }
            }
        }
        return text
    }

    // MARK: JSON

    /// A document without names, paths, addresses, serial numbers and the texts of errors.
    package func json(_ value: JSONValue) throws -> JSONValue { try self.json(value, key: "") }

    private func json(_ value: JSONValue, key: String) throws -> JSONValue {
        switch value {
        case .string(let text):
            if Self.fixed.contains(key) { return value }
            if key == "error" { return .string(Self.leftOut) }
            if Self.isSerial(key) { return .string(try pseudonym("serial", text)) }
            if key == "found", text.contains(Preflight.programs) {
                return .string(try self.text(Self.withoutPrograms(text)))
            }
            // A path may hold spaces, which the reading of free text takes for its end.
            if text.contains(" "), !text.contains("\n"), isPath(text) == true { return .string(try path(text)) }
            return .string(try self.text(text))
        case .integer where Self.isSerial(key): return .string(try pseudonym("serial", value.text))
        case .array(let values): return .array(try values.map { try json($0, key: key) })
        case .object(let values):
            let isJob = key == JobContext.key
            return .object(
                Dictionary(
                    try values.map { name, value in
                        (try text(name), isJob ? try field(name, value) : try json(value, key: name))
                    },
                    uniquingKeysWith: { first, _ in first }
                ))
        case .null, .bool, .integer, .number: return value
        }
    }

    /// A field of the job of a batch system: names of clusters, projects and people are not told by their looks, and numbers of jobs lead
    /// to them. The hash of a user gets a pseudonym of this machine, too, so that it cannot be joined with other bundles.
    private func field(_ name: String, _ value: JSONValue) throws -> JSONValue {
        guard case .string(let text) = value else { return value }
        switch JobContext.CodingKeys(rawValue: name) {
        case .scheduler, .service, .exclusiveToldBy: return value
        // The same as the machine's, where it is one.
        case .node: return .string(try machine(text))
        case nil: return try json(value, key: name)
        default: return .string(try pseudonym(name, text))
        }
    }

    private static func isSerial(_ key: String) -> Bool {
        let key = key.lowercased()
        return key.contains("serial") || key.hasSuffix("uuid") || key == "mac" || key.contains("asset_tag")
    }

    /// A finding of `doctor` without the names of the programs that ran, line by line.
    private static func withoutPrograms(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.range(of: Preflight.programs).map { line[..<$0.upperBound] + leftOut } ?? line
        }.joined(separator: "\n")
    }

    static let leftOut = "left out by --redact"

    /// Words of ours and hashes. A machine can have any name, `cpu` too.
    private static let fixed: Set<String> = [
        "stage", "status", "scope", "kind", "provenance", "flags", "verdict", "outer", "inner", "model_sha256",
        "program_sha256", "sha256", "task", "device", "precision", "size", "edge",
    ]
}
