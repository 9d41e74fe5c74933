import Core
import Exchange
import Foundation
import Recording
import TestSupport
import Testing

/// Files that are no bundles, or were made to do harm: one line that names the place, and nothing changed.
@Suite struct BundleFaultTests {
    private let bench: BundleBench

    init() throws { bench = try BundleBench() }

    /// That neither command takes a file, and why.
    private func refuses(
        _ file: String, _ reason: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let verifying = await #expect(throws: BundleError.self, sourceLocation: sourceLocation) {
            _ = try await BundleVerifier.verify(file, version: "9.9")
        }
        let store = try bench.otherStore()
        let before = try shell("sqlite3 \"$1\" .dump", store.path)
        let importing = await #expect(throws: BundleError.self, sourceLocation: sourceLocation) {
            _ = try await BundleImport(store, version: "9.9").run(file, at: 1)
        }
        for error in [verifying, importing] {
            let text = error?.description ?? ""
            #expect(
                text.contains(reason) && text.contains(file) && !text.contains("\n"), "\(text)",
                sourceLocation: sourceLocation)
        }
        #expect(try shell("sqlite3 \"$1\" .dump", store.path) == before, sourceLocation: sourceLocation)
    }

    private func made(_ script: String) throws -> String {
        let file = bench.file("made-\(UUID().uuidString)")
        try shell("cd \"$1\" && \(script)", bench.directory.path, file)
        return file
    }

    /// An archive that Python's tarfile makes; `add(name, data)` adds a file to it, and `manifest(…)` a manifest.
    private func archive(_ python: String) throws -> String {
        try made(
            """
            python3 - <<'END' | zstd -q -o "$2"
            import io, json, sys, tarfile
            tar = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.USTAR_FORMAT)
            suite = '0123abcd-0123-0123-0123-0123456789ab'
            def add(name, data, **fields):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                for field, value in fields.items(): setattr(info, field, value)
                tar.addfile(info, io.BytesIO(data))
            def manifest(files=[], **fields):
                value = {'format': 'taskwatt-bundle', 'version': 1, 'created_by': 'me', 'redacted': False,
                    'suites': [suite], 'files': [dict(path=p, bytes=b, sha256='0' * 64) for p, b in files]}
                value.update(fields)
                add('manifest.json', json.dumps(value).encode())
            \(python)
            tar.close()
            END
            """)
    }

    @Test func whatIsNoBundle() async throws {
        try await refuses(bench.file("nothing"), "cannot be read: No such file")
        try await refuses(bench.directory.path, "is a directory")
        try await refuses(made(": > \"$2\""), "is empty")
        try await refuses(made("echo hello > \"$2\""), "it is not compressed by zstd")
        try await refuses(made("head -c 5000 /dev/urandom | gzip > \"$2\""), "it is not compressed by zstd")
        try await refuses(made("head -c 5000 /dev/urandom | zstd -q -o \"$2\""), "is no tar archive")
        try await refuses(made("printf '' | zstd -q -o \"$2\""), "it has no manifest.json")
        try await refuses(made("printf '\\x28\\xb5\\x2f\\xfdgarbage' > \"$2\""), "damaged or cut short")
        try await refuses(
            made("echo x > x && tar -cf - x | zstd -q -o \"$2\""), "its first file is x, not manifest.json")
    }

    @Test func manifestsThatAreMissingOrNotOurs() async throws {
        let file = "f'suites/{suite}/suite.json'"
        try await refuses(archive("add(\(file), b'{}')"), "its first file is suites/")
        try await refuses(archive("pass"), "it has no manifest.json")
        try await refuses(archive("manifest(version=2)"), "its format is version 2, and this taskwatt reads 1; update")
        try await refuses(archive("manifest(format='other')"), "that of something else: other")
        try await refuses(archive("add('manifest.json', b'[1')"), "manifest.json: this is not JSON")
        try await refuses(archive("manifest(suites=3)"), "manifest.json: `suites` is not what it should be")
        try await refuses(archive("manifest(suites=[])"), "names no suite")
        try await refuses(archive("manifest(suites=['../../etc'])"), "names a suite that is no UUID")
        try await refuses(archive("manifest(suites=[suite, suite])"), "or one twice")
        try await refuses(archive("manifest([(\(file), 2)])"), "is in its manifest and not in it")
        try await refuses(archive("manifest([(\(file), 2), (\(file), 2)])"), "is in it twice")
        try await refuses(archive("manifest([(\(file), -2)])"), "is too large")
        try await refuses(
            archive("manifest(); add('manifest.json', b'{}')"), "manifest.json is in it, which no bundle has")
    }

    @Test func membersThatLeadElsewhere() async throws {
        let names = [
            "../evil", "/etc/evil", "suites/../../evil", "suites/x/suite.json", "suites/{suite}/evil.sh", "evil",
        ]
        for name in names {
            let text = "f'\(name)'"
            try await refuses(archive("manifest(); add(\(text), b'x')"), "which no bundle has")
            try await refuses(archive("manifest([(\(text), 1)]); add(\(text), b'x')"), "is no file of a bundle")
        }
        let file = "f'suites/{suite}/suite.json'"
        for kind in ["SYMTYPE", "LNKTYPE", "DIRTYPE", "FIFOTYPE", "CHRTYPE"] {
            try await refuses(
                archive(
                    "manifest([(\(file), 0)]); add(\(file), b'', type=tarfile.\(kind), linkname='/etc/passwd')"),
                "is no plain file")
        }
        try await refuses(
            archive("manifest([(\(file), 2)]); add(\(file), b'{}'); add(\(file), b'{}')"), "is in it twice")
        try await refuses(archive("manifest(); add(\(file), b'{}')"), "not in its manifest")
        try await refuses(archive("manifest([(\(file), 2)]); add(\(file), b'{} ')"), "3 bytes, and 2 by its manifest")
        #expect(!FileManager.default.fileExists(atPath: "/etc/evil"))
    }

    /// A few hundred kilobytes that would fill a disk are not unpacked at all.
    @Test func aBombIsLeftPacked() async throws {
        let begin = ContinuousClock.now
        let file = try archive(
            """
            name, size = f'suites/{suite}/samples.csv', 3 << 30
            manifest([(name, size)])
            info = tarfile.TarInfo(name)
            info.size = 256 << 20
            class Zeros:
                def read(self, count): return bytes(count)
            tar.addfile(info, Zeros())
            """)
        try await refuses(file, "it would unpack to 3072 MiB")
        #expect(begin.duration(to: .now) < .seconds(60))
    }

    @Test func aFileThatIsCutShortAnywhere() async throws {
        let file = try await bench.bundle()
        let data = try #require(FileManager.default.contents(atPath: file))
        for part in 1..<12 {
            let cut = bench.file("cut-\(part)")
            try data.prefix(data.count * part / 12).write(to: URL(fileURLWithPath: cut))
            await #expect(throws: BundleError.self, "\(part)/12") {
                _ = try await BundleVerifier.verify(cut, version: "9.9")
            }
        }
        // One whose archive was cut short before it was compressed.
        let tar = try made(
            "zstd -dqc bundle.tar.zst > all.tar && head -c $(( $(stat -c %s all.tar) - 15000 )) all.tar | zstd -q -o \"$2\""
        )
        try await refuses(tar, "cut short")
    }

    @Test func oneByteThatIsNotAsItWas() async throws {
        let file = try await bench.bundle()
        let data = try #require(FileManager.default.contents(atPath: file))
        for part in 0..<16 {
            var altered = data
            altered[part == 0 ? 5 : data.count * part / 16] ^= 0x10
            let path = bench.file("flipped")
            try altered.write(to: URL(fileURLWithPath: path))
            // Zstandard's own check sum finds it, or ours. A few bits of its format mean nothing; without them all is as it was.
            let outcome = try? await BundleVerifier.verify(path, version: "9.9").outcome
            if outcome == nil || outcome == .failed { continue }
            let isTheSame = try shell(
                "cmp <(zstd -dqc <\"$1\") <(zstd -dqc <\"$2\") && echo same", file, path)
            #expect(isTheSame == "same\n", "at \(part)/16")
        }
    }

    struct Damage: Sendable, CustomTestStringConvertible {
        var file: String
        var python: String
        var reason: String
        var testDescription: String { "\(file): \(reason)" }
    }

    static let damages: [Damage] = [
        Damage(
            file: "runs.jsonl", python: "text = text.replace('\"energy_j\":1000,', '\"energy_j\":NaN,', 1)",
            reason: "runs.jsonl, line 2"),
        Damage(
            file: "runs.jsonl", python: "text = text.replace('\"energy_j\":1000,', '\"energy_j\":1e999,', 1)",
            reason: "runs.jsonl, line 2"),
        Damage(
            file: "runs.jsonl", python: "text = text.replace('\"energy_j\":1000,', '\"energy_j\":-1000,', 1)",
            reason: "runs.jsonl, line 2: an energy, or its uncertainty, is negative"),
        Damage(
            file: "runs.jsonl", python: "text = text.replace('\"coverage\":1,', '\"coverage\":7,', 1)",
            reason: "line 1: a coverage or a share"),
        Damage(
            file: "runs.jsonl",
            python: "text = text.replace('\"completed_inferences\":20', '\"completed_inferences\":-20', 1)",
            reason: "line 2: a count of inferences is negative"),
        Damage(
            file: "runs.jsonl", python: "text = text.replace('\"stage\":\"query\"', '\"stage\":\"quest\"', 1)",
            reason: "line 2: `stage`"),
        Damage(file: "runs.jsonl", python: "text = text.replace('\"flags\":[],', '', 1)", reason: "is missing"),
        Damage(
            file: "runs.jsonl", python: "text = text[:-40]",
            reason: "line 4: the file is cut short in the middle of a line"),
        Damage(
            file: "runs.jsonl", python: "text = text.encode().replace(b'fill-mask', b'\\xff\\xfe')", reason: "line 2"),
        Damage(
            file: "samples.csv", python: "text = text.replace('run,meter,', 'meter,run,', 1)",
            reason: "line 1: the columns are not run,meter,"),
        Damage(
            file: "samples.csv", python: "text = re.sub(r'\\n1,', r'\\n1,1,', text, count=1)",
            reason: "line 2: 8 fields, where a sample has 7"),
        Damage(
            file: "samples.csv", python: "text = re.sub(r'\\n1,', r'\\nx,', text, count=1)",
            reason: "line 2: `run` cannot be x"),
        Damage(
            file: "samples.csv", python: "text = re.sub(r',start', r',begin', text, count=1)",
            reason: "`edge` cannot be begin"),
        Damage(
            file: "samples.csv", python: "text = re.sub(r',17640[0-9.]+,', ',NaN,', text, count=1)",
            reason: "`wall_unix_s` cannot be nan"),
        Damage(
            file: "samples.csv",
            python: "text = re.sub(r'\\n1,([^,]+),[0-9]+,', r'\\n1,\\g<1>,9223372036854775807,', text, count=1)",
            reason: "`monotonic_ns` cannot be 9223372036854775807"),
        Damage(
            file: "runs.jsonl",
            python: "text = re.sub(r'\"end_monotonic_s\":[0-9.]+', '\"end_monotonic_s\":1e12', text, count=1)",
            reason: "line 1: the window is at a time that no machine"),
        Damage(
            file: "meters.json",
            python: "text = re.sub(r'(\"averaging_s\" ?: ?)[0-9.]+', r'\\g<1>1e30', text, count=1)",
            reason: "cannot be"),
        Damage(file: "samples.csv", python: "text = text.replace('left', 'l\\\"eft', 1)", reason: "line 2"),
        Damage(file: "samples.csv", python: "text = text.encode('utf-16')", reason: "samples.csv, line 1"),
        Damage(
            file: "samples.csv", python: "text = text + '9' + text[text.rindex('\\n4') + 2:]",
            reason: "a sample of run 9, and there are 4"),
        Damage(
            file: "suite.json", python: "text = re.sub(r'(\"uuid\" : \")........', r'\\g<1>ffffffff', text)",
            reason: "it is the record of another suite"),
        Damage(file: "suite.json", python: "text = '[]'", reason: "suite.json"),
        Damage(file: "meters.json", python: "text = '{'", reason: "meters.json: this is not JSON"),
        Damage(file: "state.json", python: "text = 'none'", reason: "state.json: this is not JSON"),
        Damage(file: "inventory.json", python: "text = text.encode('utf-16')", reason: "inventory.json is not UTF-8"),
    ]

    @Test(arguments: damages) func damagedValuesAreNamed(_ damage: Damage) async throws {
        let file = try await bench.altered(damage.file, "before = text\n\(damage.python)\nassert text != before")
        let store = try bench.otherStore()
        let before = try shell("sqlite3 \"$1\" .dump", store.path)
        let error = await #expect(throws: BundleError.self) {
            _ = try await BundleImport(store, version: "9.9").run(file, at: 1)
        }
        let text = error?.description ?? ""
        #expect(text.lowercased().contains(damage.reason.lowercased()) && !text.contains("\n"), "\(text)")
        #expect(try shell("sqlite3 \"$1\" .dump", store.path) == before)
    }

    /// All of a file or nothing: the second suite of it is broken.
    @Test func nothingIsHalfImported() async throws {
        let second = try bench.record.suite("second")
        let failed = run(0, seconds: 0, inferences: 0, status: .failed, error: "no such model")
        try bench.record.store.record(failed, samples: [], suiteRun: second)
        try bench.record.store.endSuiteRun(second, status: .completed, error: nil, at: 1_764_000_900)
        let file = bench.file("two")
        try await BundleWriter(bench.record.store, redaction: nil, version: "1").write([bench.uuid, second], to: file)
        let last = max(bench.uuid, second)
        let broken = try made(
            """
            mkdir two.d && tar -I zstd -xf two -C two.d && cd two.d && python3 - \(last) <<'END'
            import hashlib, json, sys
            path = f'suites/{sys.argv[1]}/runs.jsonl'
            data = open(path, 'rb').read().replace(b'"stage":"query"', b'"stage":"quest"')
            open(path, 'wb').write(data)
            manifest = json.load(open('manifest.json'))
            for entry in manifest['files']:
                if entry['path'] == path: entry.update(sha256=hashlib.sha256(data).hexdigest())
            json.dump(manifest, open('manifest.json', 'w'))
            END
            tar --format=ustar -cf - manifest.json suites/*/* | zstd -q -o "$2"
            """)
        try await refuses(broken, "`stage`")
        let store = try bench.otherStore()
        #expect(try await BundleImport(store, version: "9.9").run(file, at: 1).imported.count == 2)
    }
}
