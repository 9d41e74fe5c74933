import Core
import Exchange
import Foundation
import Glibc
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

    /// Archives that Python's tarfile makes, by one start of it; `add(name, data)` adds a file to one, and `manifest(…)` a
    /// manifest.
    private func archives(_ python: [String]) throws -> [String] {
        let name = UUID().uuidString
        let list = bench.file("\(name).json")
        try JSONEncoder().encode(python).write(to: URL(fileURLWithPath: list))
        try shell(
            """
            cd "$1" && python3 - "$2" "$3" <<'END'
            import io, json, subprocess, sys, tarfile
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
            for index, python in enumerate(json.load(open(sys.argv[1]))):
                packer = subprocess.Popen(['zstd', '-q', '-o', f'{sys.argv[2]}-{index}'], stdin=subprocess.PIPE)
                tar = tarfile.open(fileobj=packer.stdin, mode='w|', format=tarfile.USTAR_FORMAT)
                exec(python)
                tar.close()
                packer.stdin.close()
                assert packer.wait() == 0
            END
            """, bench.directory.path, list, name)
        return python.indices.map { bench.file("\(name)-\($0)") }
    }

    private func archive(_ python: String) throws -> String { try archives([python])[0] }

    /// That neither command takes an archive, and why; of many of them.
    private func refuses(
        archives cases: [(python: String, reason: String)], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for (file, item) in zip(try archives(cases.map(\.python)), cases) {
            try await refuses(file, item.reason, sourceLocation: sourceLocation)
        }
    }

    @Test func whatIsNoBundle() async throws {
        try await refuses(bench.file("nothing"), "cannot be read: No such file")
        try await refuses(bench.directory.path, "is a directory")
        // Into which nobody writes: it would be waited for, by a call that no signal ends.
        let pipe = "\(bench.directory.path)/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        try await refuses(pipe, "is a pipe")
        try await refuses("/dev/zero", "is a pipe or a device")
        try await refuses(made(": > \"$2\""), "is empty")
        try await refuses(made("echo hello > \"$2\""), "it is not compressed by zstd")
        try await refuses(made("head -c 5000 /dev/urandom | gzip > \"$2\""), "it is not compressed by zstd")
        try await refuses(made("head -c 5000 /dev/urandom | zstd -q -o \"$2\""), "is not a tar archive")
        try await refuses(made("printf '' | zstd -q -o \"$2\""), "it has no manifest.json")
        try await refuses(made("printf '\\x28\\xb5\\x2f\\xfdgarbage' > \"$2\""), "damaged or cut short")
        try await refuses(
            made("echo x > x && tar -cf - x | zstd -q -o \"$2\""), "its first file is x, not manifest.json")
    }

    @Test func manifestsThatAreMissingOrNotOurs() async throws {
        let file = "f'suites/{suite}/suite.json'"
        try await refuses(archives: [
            ("add(\(file), b'{}')", "its first file is suites/"),
            ("pass", "it has no manifest.json"),
            ("manifest(version=2)", "its format is version 2, and this taskwatt reads 1; update"),
            ("manifest(format='other')", "that of something else: other"),
            ("add('manifest.json', b'[1')", "manifest.json: this is not JSON"),
            ("manifest(suites=3)", "manifest.json: `suites` is not what it should be"),
            ("manifest(suites=[])", "names no suite"),
            ("manifest(suites=['../../etc'])", "names a suite that is not a UUID"),
            ("manifest(suites=[suite, suite])", "or one twice"),
            ("manifest([(\(file), 2)])", "is in its manifest and not in it"),
            ("manifest([(\(file), 2), (\(file), 2)])", "is in it twice"),
            ("manifest([(\(file), -2)])", "is too large"),
            ("manifest(); add('manifest.json', b'{}')", "manifest.json is in it, which no bundle has"),
        ])
    }

    @Test func membersThatLeadElsewhere() async throws {
        let names = [
            "../evil", "/etc/evil", "suites/../../evil", "suites/x/suite.json", "suites/{suite}/evil.sh", "evil",
        ]
        let file = "f'suites/{suite}/suite.json'"
        var cases: [(python: String, reason: String)] = []
        for name in names {
            let text = "f'\(name)'"
            cases.append(("manifest(); add(\(text), b'x')", "which no bundle has"))
            cases.append(("manifest([(\(text), 1)]); add(\(text), b'x')", "is not a file of a bundle"))
        }
        for kind in ["SYMTYPE", "LNKTYPE", "DIRTYPE", "FIFOTYPE", "CHRTYPE"] {
            cases.append(
                (
                    "manifest([(\(file), 0)]); add(\(file), b'', type=tarfile.\(kind), linkname='/etc/passwd')",
                    "is not a plain file"
                ))
        }
        cases.append(("manifest([(\(file), 2)]); add(\(file), b'{}'); add(\(file), b'{}')", "is in it twice"))
        cases.append(("manifest(); add(\(file), b'{}')", "not in its manifest"))
        cases.append(("manifest([(\(file), 2)]); add(\(file), b'{} ')", "3 bytes, and 2 by its manifest"))
        try await refuses(archives: cases)
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
