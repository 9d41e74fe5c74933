import Core
import Digests
import Foundation
import Testing

@Suite("SHA-256")
struct SHA256Tests {
    /// NIST's examples for FIPS 180-4: <https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values>,
    /// and the empty message of its CAVP vectors.
    @Test(
        "FIPS 180-4",
        arguments: [
            ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ])
    func examples(_ text: String, _ times: Int, _ digest: String) throws {
        let message = Data(String(repeating: text, count: times).utf8)
        #expect(try SHA256.hash(message).hexadecimal == digest)
    }

    @Test("In pieces of any length it is that of the whole")
    func pieces() throws {
        let message = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let whole = try SHA256.hash(message)
        for length in [1, 55, 56, 63, 64, 65, 127, 4096, 9_999] {
            let hash = SHA256()
            for start in stride(from: 0, to: message.count, by: length) {
                let piece = message[start..<min(start + length, message.count)]
                // One that lies in one place, one that does not, and one that is empty.
                if start % 2 == 0 { hash.update(piece) } else { hash.update(piece.lazy.map { $0 }) }
                hash.update(Data())
            }
            #expect(try hash.finalize() == whole, "\(length)")
            #expect(throws: DigestError.self) { try hash.finalize() }
        }
    }

    /// RFC 4231, 4.2 to 4.8 without 4.6, which is cut to 128 bits there.
    @Test(
        "HMAC of RFC 4231",
        arguments: [
            (
                Data(repeating: 0x0B, count: 20), Data("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Data("Jefe".utf8), Data("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                Data(repeating: 0xAA, count: 20), Data(repeating: 0xDD, count: 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
            ),
            (
                Data(1...25), Data(repeating: 0xCD, count: 50),
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
            ),
            (
                Data(repeating: 0xAA, count: 131), Data("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            (
                Data(repeating: 0xAA, count: 131),
                Data(
                    """
                    This is a test using a larger than block-size key and a larger than block-size data. The key needs to be \
                    hashed before being used by the HMAC algorithm.
                    """.utf8), "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
            ),
        ])
    func codes(_ key: Data, _ message: Data, _ code: String) throws {
        #expect(try SHA256.authenticationCode(of: message, key: key).hexadecimal == code)
    }

    @Test("HMAC takes an empty key and an empty message")
    func emptyCode() throws {
        #expect(
            try SHA256.authenticationCode(of: Data(), key: Data()).hexadecimal
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test("Digests are compared whole")
    func comparison() throws {
        let digest = try SHA256.hash(Data("a".utf8))
        #expect(try digest == SHA256.hash(Data("a".utf8)))
        #expect(try digest != SHA256.hash(Data("b".utf8)))
        #expect(digest.bytes.count == Digest.count)
    }

    @Test("Where OpenSSL has no SHA-256 there is an error, and no digest")
    func refusal() async {
        // A process of its own: OpenSSL reads its configuration once.
        await #expect(processExitsWith: .success) {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).cnf")
            defer { try? FileManager.default.removeItem(at: file) }
            try """
            openssl_conf = all
            [all]
            providers = only
            [only]
            base = base
            [base]
            activate = 1

            """.write(to: file, atomically: true, encoding: .utf8)
            setenv("OPENSSL_CONF", file.path, 1)
            let error = #expect(throws: DigestError.self) { try SHA256.hash(Data("abc".utf8)) }
            #expect(error?.description.contains("openssl.cnf") == true)
            #expect(throws: DigestError.self) {
                try SHA256.authenticationCode(of: Data("abc".utf8), key: Data("key".utf8))
            }
        }
    }
}
