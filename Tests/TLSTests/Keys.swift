import Foundation
import TestSupport

/// Certificates as administrators make them, by the `openssl` program; made once, since a key takes a while.
struct Keys: Sendable {
    static let shared = Result { try Keys() }

    let directory: TemporaryDirectory
    func file(_ name: String) -> String { "\(directory.path)/\(name)" }

    /// `root.pem` signs `middle.pem`, which signs `server.pem` for 127.0.0.1; `chain.pem` has the last two. `root.pem` signs
    /// `client.pem` too, and `stranger.pem` has no root but itself.
    private init() throws {
        directory = try TemporaryDirectory()
        let made = try Client.run(
            """
            set -e
            key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
            root() { key $1; openssl req -x509 -new -key $1.key -days 2 -subj "$2" -out $1.pem; }
            sign() { key $1; openssl req -new -key $1.key -subj "$2" -out $1.csr
                printf "$4" >$1.ext
                openssl x509 -req -in $1.csr -CA $3.pem -CAkey $3.key -CAcreateserial -days 2 -extfile $1.ext -out $1.pem; }
            root root '/CN=root'
            root stranger '/CN=stranger'
            sign middle '/CN=middle' root 'basicConstraints=critical,CA:TRUE\\n'
            sign server '/CN=server' middle 'subjectAltName=IP:127.0.0.1\\n'
            sign client '/O=Example, Inc/CN=lab7' root 'extendedKeyUsage=clientAuth\\n'
            cat server.pem middle.pem >chain.pem
            """, in: directory.path)
        guard made.status == 0 else {
            throw CocoaError(.executableLoad, userInfo: [NSDebugDescriptionErrorKey: made.output])
        }
    }
}

/// A program that is no part of this one.
enum Client {
    /// - Returns: the status, and both outputs together.
    static func run(_ script: String, in directory: String = "/", _ arguments: [String] = []) throws -> (
        status: Int32, output: String
    ) {
        try start(["bash", "-c", script, "bash"] + arguments, in: directory)
    }

    static func python(_ script: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        try start(["python3", "-c", prelude + script] + arguments, in: "/")
    }

    /// `connect(…)` is a client with certificates verified, on whom a ragged end is an error, and who says goodbye himself at
    /// the end of its `with`.
    static let prelude = """
        import os, socket, ssl, sys, time
        port, keys = int(sys.argv[1]), sys.argv[2]
        class Polite(ssl.SSLSocket):
            def __exit__(self, *_):
                try: self.unwrap()
                except (OSError, ValueError): pass
                self.close()
        def context(cert=None, version=None):
            c = ssl.create_default_context(cafile=keys + "/root.pem")
            c.sslsocket_class = Polite
            if cert: c.load_cert_chain(f"{keys}/{cert}.pem", f"{keys}/{cert}.key")
            if version: c.minimum_version = c.maximum_version = version
            return c
        def connect(c=None, session=None):
            s = socket.create_connection(("127.0.0.1", port), timeout=60)
            return (c or context()).wrap_socket(s, server_hostname="127.0.0.1", suppress_ragged_eofs=False, session=session)
        def line(s):
            data = b""
            while not data.endswith(b"\\n"):
                piece = s.recv(1)
                if not piece: return data
                data += piece
            return data
        def ask(s, text):
            s.sendall(text.encode() + b"\\n")
            return line(s).decode().strip()

        """

    /// `openssl s_client`, which is told each line when the answer to the one before has come.
    ///
    /// - Returns: all that it said.
    static func openssl(
        _ port: Int, _ keys: Keys, _ options: String, _ lines: [(text: String, answer: String)]
    ) throws -> String {
        let script = """
            import subprocess
            command = ["timeout", "120", "openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", keys + "/root.pem",
                       "-verify_return_error", *sys.argv[3].split()]
            client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
            said, seen = b"", 0
            def until(words):
                global said, seen
                while words not in said[seen:]:
                    piece = client.stdout.read(65536)
                    if not piece: return False
                    said += piece
                # But for the end of the line, with which the next one may begin.
                seen = said.index(words, seen) + len(words) - 1
                return True
            if until(b"Verify return code"):
                for text, answer in zip(sys.argv[4::2], sys.argv[5::2]):
                    try: client.stdin.write(text.encode() + b"\\n")
                    except BrokenPipeError: break
                    if not until(answer.encode()): break
            client.stdin.close()
            until(b"nothing more that would come")
            print(said.decode(errors="replace"))
            """
        return try python(script, ["\(port)", keys.directory.path, options] + lines.flatMap { [$0.text, $0.answer] })
            .output
    }

    private static func start(_ command: [String], in directory: String) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        let pipe = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
