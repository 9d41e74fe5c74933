import Foundation
import TLS
import TestSupport
import Testing

/// Files that hold what they should, or not.
@Suite("Certificates and keys")
struct CredentialsTests {
    private let keys: Keys
    private let scratch: TemporaryDirectory

    init() throws {
        keys = try Keys.shared.get()
        scratch = try TemporaryDirectory()
    }

    private func made(_ script: String) throws {
        let result = try Client.run("set -e; keys=$1; \(script)", in: scratch.path, [keys.directory.path])
        try #require(result.status == 0, "\(result.output)")
    }

    private func problem(_ certificate: String, _ key: String) -> TLSError.Kind? {
        do throws(TLSError) {
            _ = try TLSContext(certificate: certificate, key: key)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test("Certificates and their key in one file, in any order, with or without the curve's name")
    func together() throws {
        try made(
            """
            cat $keys/server.key $keys/chain.pem >key-first.pem
            cat $keys/chain.pem $keys/server.key >key-last.pem
            openssl ecparam -name prime256v1 -genkey -out curve.key
            openssl req -x509 -key curve.key -subj /CN=curve -out curve.pem
            openssl pkcs8 -topk8 -nocrypt -in curve.key -out curve.pkcs8
            """)
        for file in ["key-first.pem", "key-last.pem"] {
            let path = "\(scratch.path)/\(file)"
            #expect(problem(path, path) == nil, "\(file)")
            #expect(try TLSCertificates(pemFile: path).count == 2, "\(file)")
        }
        for key in ["curve.key", "curve.pkcs8"] {
            #expect(problem("\(scratch.path)/curve.pem", "\(scratch.path)/\(key)") == nil, "\(key)")
        }
    }

    @Test("What is wrong with them is known by its kind")
    func wrong() throws {
        try made(
            """
            : >empty
            head -c 300 $keys/server.pem >cut.pem
            { cat $keys/server.pem; head -c 300 $keys/middle.pem; } >second-cut.pem
            { echo '-----BEGIN CERTIFICATE-----'; echo AAAA; echo '-----END CERTIFICATE-----'; } >nonsense.pem
            openssl ec -in $keys/server.key -aes128 -passout pass:secret -out locked.key
            openssl x509 -in $keys/server.pem -outform der -out server.der
            openssl req -x509 -newkey rsa:1024 -nodes -subj /CN=short -keyout short.key -out short.pem
            openssl genrsa -out long.key 2048
            """)
        let (pem, key) = (keys.file("chain.pem"), keys.file("server.key"))
        for file in ["empty", "cut.pem", "second-cut.pem", "nonsense.pem", "server.der", "none", "."] {
            #expect(problem("\(scratch.path)/\(file)", key) == .noCertificate, "\(file)")
        }
        // Nobody is asked for the password of one that has one.
        for file in ["empty", "locked.key", "server.der", "none", "."] {
            #expect(problem(pem, "\(scratch.path)/\(file)") == .noKey, "\(file)")
        }
        #expect(problem(pem, pem) == .noKey && problem(key, key) == .noCertificate)
        #expect(problem(pem, keys.file("client.key")) == .mismatch)
        #expect(problem(pem, "\(scratch.path)/long.key") == .mismatch, "another kind of key")
        // Those that lead to the root before the server's own.
        #expect(problem(keys.file("middle.pem"), key) == .mismatch)
        // Debian's security level 2 takes no such key, and says so now and not to the first client.
        #expect(problem("\(scratch.path)/short.pem", "\(scratch.path)/short.key") == .refused)
    }
}
