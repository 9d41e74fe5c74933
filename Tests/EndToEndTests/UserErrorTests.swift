import Client
import Foundation
import HTTPTypes
import Host
import Listening
import Metering
import Postgres
import Terminal
import Testing
import WorkloadProtocol

@testable import API
@testable import Accounting
@testable import Core
@testable import Digests
@testable import Exchange
@testable import Fetching
@testable import Onnx
@testable import PluginHosting
@testable import PolledMeters
@testable import Recording
@testable import Reporting
@testable import Running
@testable import Service
@testable import Suites
@testable import YAMLReading
@testable import taskwatt

/// Every type of error in the sources is one that a user may see, with a kind and a line, or one that never comes that far.
@Suite("Errors that users see") struct UserErrorTests {
    // MARK: The types in the sources

    /// What catches them says it in words of its own.
    private static let caught: Set = [
        // Told as `UserError` by what opens the daemon's listener, else in its log.
        "TLSError",
        // What a plugin answers, which `PluginFailure` tells.
        "WorkloadError", "PluginProblem",
        // Reasons of `MeterAvailability`.
        "NVMLFailure", "AMDSMIFailure", "PerfError",
        // Within one file or module.
        "BadAddress", "Damage", "Failure", "Fault", "LedgerRefusal", "NotStarted", "Unavailable", "Unknown",
    ]

    private struct Declaration {
        var name: String
        /// Of an enum those with and without values.
        var cases: Set<String> = []
        var plain: Set<String> = []
    }

    /// Those that are declared to be errors, by the text.
    private static func declarations() throws -> [Declaration] {
        try SourceText.files(under: ["Sources"], [".swift"]).flatMap { file -> [Declaration] in
            let text = try String(contentsOfFile: "\(SourceText.root)/\(file)", encoding: .utf8)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            return lines.indices.compactMap { start -> Declaration? in
                let head = #/( *)(?:[a-z]+ )*(?:struct|enum|class) (\w+): [^{]*\b(?:UserFacingError|Error)\b.*/#
                guard let match = lines[start].wholeMatch(of: head) else { return nil }
                var declaration = Declaration(name: String(match.2))
                let indent = match.1 + "    "
                for line in lines[start...].dropFirst() {
                    if line == match.1 + "}" { break }
                    guard line.hasPrefix(indent),
                        let found = line.dropFirst(indent.count).prefixMatch(of: #/(?:indirect )?case (\w+)(\()?/#)
                    else { continue }
                    if found.2 == nil {
                        declaration.plain.insert(String(found.1))
                    } else {
                        declaration.cases.insert(String(found.1))
                    }
                }
                return declaration
            }
        }
    }

    @Test("Each type of the sources is among those that are tried here")
    func types() throws {
        let declared = Set(try Self.declarations().map(\.name))
        #expect(declared.count > 25, "there are such types")
        let tried = Set(Self.examples.map { String(describing: type(of: $0)) })
        #expect(declared.subtracting(Self.caught).subtracting(tried).sorted() == [], "not tried here")
        #expect(tried.union(Self.caught).subtracting(declared).sorted() == [], "not in the sources any more")
    }

    @Test("Each case of an enum is tried")
    func cases() throws {
        let tried = Dictionary(grouping: Self.examples) { String(describing: type(of: $0)) }
        for declaration in try Self.declarations() where !Self.caught.contains(declaration.name) {
            let examples = tried[declaration.name] ?? []
            let mirrors = examples.map { Mirror(reflecting: $0) }.filter { $0.displayStyle == .enum }
            let labels = Set(mirrors.compactMap { $0.children.first?.label })
            #expect(declaration.cases.subtracting(labels).sorted() == [], "\(declaration.name)")
            guard !declaration.plain.isEmpty else { continue }
            #expect(mirrors.count { $0.children.isEmpty } >= declaration.plain.count, "\(declaration.name)")
        }
    }

    // MARK: What they say

    @Test("Each is one line without a full stop, at its longest and whatever it quotes")
    func lines() {
        for example in Self.examples {
            let shown = example.userError
            let name = "\(type(of: example)): \(shown)"
            for text in [shown.message, shown.remedy ?? "none", "\(example)"] {
                #expect(!text.isEmpty && PrintableText.oneLine(text) == text, "\(name)")
                #expect(!text.hasSuffix(".") && !text.hasSuffix(";") && !text.hasSuffix(" "), "\(name)")
                #expect(!text.hasPrefix(" ") && !text.contains("; ;") && !text.contains("Optional("), "\(name)")
            }
            #expect(UserError(example) == shown, "\(name)")
        }
    }

    @Test("An error of the API is the same one on the other side")
    func wire() throws {
        for example in Self.examples {
            let shown = example.userError
            #expect(try JSONDecoder().decode(UserError.self, from: JSONEncoder().encode(shown)) == shown)
        }
        let later = Data(#"{"kind": "of-a-later-version", "message": "it\nbroke", "more": 1}"#.utf8)
        #expect(try JSONDecoder().decode(UserError.self, from: later) == UserError(.failed, "it; broke"))
    }

    @Test("Each kind has an exit status and one of HTTP, and the API's document has all of them")
    func statuses() throws {
        let all = UserError.Kind.allCases
        for kind in all {
            #expect(kind.exitStatus == [.usage: 64, .unknownName: 64, .interrupted: 130][kind, default: 1], "\(kind)")
            let codes: [UserError.Kind: Int] = [
                .usage: 400, .unknownName: 404, .notFound: 404, .notAllowed: 403, .busy: 503, .unavailable: 503,
            ]
            #expect(kind.status.code == codes[kind, default: 500], "\(kind)")
        }
        struct Document: Decodable {
            struct Components: Decodable { var schemas: [String: Schema] }
            struct Schema: Decodable { var properties: [String: Property]? }
            struct Property: Decodable { var `enum`: [String]? }
            var components: Components
        }
        let text = try Data(contentsOf: URL(fileURLWithPath: "\(SourceText.root)/Sources/Service/openapi.json"))
        let kinds = try JSONDecoder().decode(Document.self, from: text).components.schemas["Error"]?.properties?[
            "kind"]?.enum
        #expect(kinds == all.map(\.rawValue))
    }

    @Test("What is misspelt is told with what is meant, what is far off with what there is")
    func unknown() {
        let known = ["tiny", "quick", "standard"]
        #expect(
            "\(UserError.unknown("suite", "quik", known: known))"
                == "unknown suite `quik`; did you mean `quick`? (known: tiny, quick, standard)")
        #expect(
            "\(UserError.unknown("suite", "zzzzzz", known: known))"
                == "unknown suite `zzzzzz` (known: tiny, quick, standard)")
        #expect("\(UserError.unknown("suite", "x", "of y", known: []))" == "unknown suite `x` of y (known: none)")
    }

    // MARK: Examples

    /// From outside: long, and of more than one line.
    private static let text = String(repeating: "long ", count: 60) + "\nand more\u{1B}[31m\r\nof it"
    private static let names = ["one", text]

    private static let yaml = YAMLProblem(file: text, line: 1, column: 2, message: text)
    private static let row = DamagedRow(run: 1, reason: text)

    private static let host: [any UserFacingError] = [
        HostError(path: text, errno: ENOENT), HostError(path: text, errno: EACCES), HostError(path: text, errno: EIO),
        HostError(path: text, malformed: text), FileProblem(text), FileProblem(text, errno: EIO, remedy: text),
        DigestError(), OutOfBounds(key: text, reason: text), yaml, row, UserError(.busy, text, remedy: text),
    ]

    private static let files: [any UserFacingError] =
        [.system(ENOENT), .system(EACCES), .system(EIO), .directory, .notPlain, .tooLong(most: 1), .notText].map {
            (kind: BoundedFileError.Kind) in BoundedFileError(text, kind)
        }

    private static let metering: [MeteringError] = [
        .noMeters, .noSuchScope(.wall, available: TotalScope.allCases), .noSuchMeter(text, available: names),
        .unavailableMeter(text, reason: text, remedy: text), .badInterval(0),
    ]

    private static let fetching: [HTTPFailure] = [
        .noLibrary(text), .unusable(text), .unresolved, .refused(errno: 1), .timedOut(isConnected: true),
        .timedOut(isConnected: false), .tls(.certificate), .tls(.name), .tls(.expired), .tls(.handshake),
        .tls(.authorities), .tls(.ownCertificate), .closed, .tooLong, .notHTTP, .bodyUnreadable(text), .cancelled,
        .other(text),
    ]

    private static let devices: [DeviceError] = [
        DeviceError(text, remedy: text), .noAnswer(from: text, within: 1.5), .noCertificate(in: text),
        .unusable(text, remedy: text),
    ]

    private static let onnx: [OnnxError] = [
        .noEngine(tried: names), .engine(text), .unknownShape(text), .model(path: text, cause: text),
        .noKernel(node: text, device: text, engine: text), .tooBig(path: text, needed: .max, available: 0),
        .badDevice(text), .noProvider(device: .cpu, library: text, available: names),
        .provider(device: .cpu, cause: text), .cannotWrite(path: text, reason: text),
        .noSpace(path: text, needed: .max, free: 0),
    ]

    private static let plugins: [PluginError] = [
        .noSuchPlugin(text, known: names, directories: names), .noSuchPlugin("p", known: [], directories: []),
        .brokenManifest(text, yaml), .noSuchTask(.fillMask, plugin: text, known: [.fillMask], broken: []),
        .noSuchTask(.fillMask, plugin: nil, known: [], broken: [text]),
        .noSuchModel("\(text).onnx", task: .fillMask, plugin: text, known: names),
        .noSuchParameter(text, plugin: text, known: names), .badValue(text, parameter: text, known: names),
        .missingModel(plugin: text), .missingParameter(text, plugin: text, description: text),
        .inSuite("suite.yaml:1:2", .missingModel(plugin: text)),
    ]

    private static let failures: [PluginFailure] = [
        PluginFailure.Cause.cannotStart(text), .ended(during: text, status: text), .hungUp(during: text),
        .timedOut(call: text, seconds: 1.5), .stalled(call: text, seconds: 1), .nonsense(text), .wrongVersion(99),
        .overMemory(used: 2 << 30, limit: 1 << 30), .overMemory(used: 0, limit: 1 << 30),
        .undeclaredDevice(text), .refused(WorkloadError(code: 1, message: text, remedy: text)),
    ].map { PluginFailure(plugin: text, cause: $0, lastWords: text) }

    private static let environments: [PythonEnvironmentError] = [
        .nowhere(text), .noRequirements(text, text), .noPython(text),
        .tooOld(text, version: text, needed: text, plugin: text), .noVenv(text), .venvFailed(text, text),
        .pipFailed(text, text), .cannotWrite(text, text), .untrusted(text, text), .unsafe(text, text), .busy(text),
    ]

    private static let suites: [SuiteError] = [
        .noSuchSuite(text, known: names), .empty(text),
        .tooLarge(text, SuiteProduct.Excess(count: 2, most: 1, what: "entries", remedy: text)),
        .unreadable(file: text, reason: text),
    ]

    private static let stores: [StoreError] = [
        .cannotOpen(path: text, reason: text), .readOnly(path: text), .newerVersion(path: text),
        .notADatabase(path: text), .full(path: text), .damaged(path: text, row), .failed(path: text, reason: text),
        .server(UserError(.failed, text)),
    ]

    private static let postgres: [PostgresError] =
        [.library, .address, .connection, .timeout, .answer].map { (kind: PostgresError.Kind) in
            PostgresError(kind, text)
        }
        + ["28P01", "3D000", "42501", "53100", "53300", "57P03", "XX001", "22012"].map {
            PostgresError(.server, text, state: $0)
        }

    private static let reporting: [any UserFacingError] = [
        FigureFile.Absence.noRuns, FigureFile.Absence.nothingToDraw(text),
        FigureFile.Absence.unreadable(.full(path: text)), UnknownName(what: "column", name: text, known: names),
        SelectionError.unknown(text), SelectionError.notATime(text), ComparisonError.noSuite(text),
        ComparisonError.noRuns("wrod:\(text)", leftOut: [text: 1]), ComparisonError.sameRuns(text, text, 2),
        ImportProblem(file: text, line: 1, reason: text), ImportProblem(file: text, reason: text),
        BundleError(text, remedy: text),
    ]

    private static let daemon: [any UserFacingError] = [
        StateError.unusable(path: text, reason: text), StateError.busy(path: text, holder: text), WindowGone(),
        CalibrationError.notSeen(text, load: text),
        CalibrationError.noLine([Calibration.Point(load: text, x: 0, watts: 1)]),
        Listening.Refusal.busy(text, again: 5), DaemonUnreachable(text, remedy: text),
    ]

    private static let examples: [any UserFacingError] = {
        var all = host + files + reporting + daemon
        all += metering as [any UserFacingError]
        all += fetching as [any UserFacingError]
        all += devices as [any UserFacingError]
        all += onnx as [any UserFacingError]
        all += plugins as [any UserFacingError]
        all += failures as [any UserFacingError]
        all += environments as [any UserFacingError]
        all += suites as [any UserFacingError]
        all += stores as [any UserFacingError]
        all += postgres as [any UserFacingError]
        return all
    }()
}
