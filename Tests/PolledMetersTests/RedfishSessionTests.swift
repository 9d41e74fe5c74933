import Accounting
import Core
import Foundation
import Metering
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

@testable import PolledMeters

/// A BMC that lets in by a session only, as DSP0266 describes it.
@Suite struct RedfishSessionTests {
    private static let place = "/redfish/v1/SessionService/Sessions"

    /// What the BMC knows of sessions.
    private final class Door: Sendable {
        private let open = Mutex<Set<String>>([])
        private let opened = Mutex(0)
        /// The status of a login whatever the password, where it is not what it should be.
        let refusal: Int?

        init(refusal: Int? = nil) { self.refusal = refusal }

        var isOpen: Bool { open.withLock { !$0.isEmpty } }
        var logins: Int { opened.withLock { $0 } }

        /// As a BMC does after a while.
        func forget() { open.withLock { $0 = [] } }

        func answer(_ request: Request) -> Answer {
            if request.path == place, request.method == .POST {
                if let refusal { return .json("{}", status: refusal) }
                guard request.body.contains(#""UserName":"monitor""#), request.body.contains(#""Password":"calvin""#)
                else {
                    return .json(
                        #"{"error":{"message":"See @Message.ExtendedInfo.","@Message.ExtendedInfo":[{"Message":"The authentication credentials included are missing or invalid."}]}}"#,
                        status: 401)
                }
                let number = opened.withLock { count in
                    count += 1
                    return count
                }
                open.withLock { _ = $0.insert("token-\(number)") }
                return .json(
                    #"{"@odata.id":"\#(place)/\#(number)"}"#, status: 201,
                    headers: ["X-Auth-Token": "token-\(number)", "Location": "\(place)/\(number)"])
            }
            guard let token = request.headers.first(name: "X-Auth-Token"), open.withLock({ $0.contains(token) }) else {
                return .json(
                    #"{"error":{"message":"There is no valid session established with the implementation."}}"#,
                    status: 401)
            }
            if request.method == .DELETE {
                open.withLock { _ = $0.remove("token-\(request.path.lastPathPart)") }
                return .json("{}")
            }
            switch request.path {
            case "/redfish/v1/Chassis": return .json(#"{"Members":[{"@odata.id":"/redfish/v1/Chassis/1"}]}"#)
            case "/redfish/v1/Chassis/1":
                return .json(#"{"ChassisType":"RackMount","Power":{"@odata.id":"/redfish/v1/Chassis/1/Power"}}"#)
            default: return .json(#"{"PowerControl":[{"PowerConsumedWatts":333}]}"#)
            }
        }
    }

    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        _ = try secret("calvin", in: directory, name: "right")
        _ = try secret("hobbes", in: directory, name: "wrong")
    }

    private func listing(_ server: TestServer, password: String = "right") async throws -> MeterListing {
        try #require(
            try await discover(
                "meters: [{name: m, type: redfish, address: \"\(server.url)\", user: monitor, period_s: 1, "
                    + "password_file: \(directory.path)/\(password)}]"
            ).first)
    }

    @Test func aSessionIsOpenedAndKept() async throws {
        let door = Door()
        let server = try TestServer { door.answer($0) }
        let listing = try await listing(server)
        #expect(listing.availability == .available)
        let reader = listing.open()
        #expect(await next(reader) == .gauge(microwatts: 333_000_000))
        #expect(await next(reader) == .gauge(microwatts: 333_000_000))
        #expect(door.logins == 1)
        // The token goes in its header, and the password nowhere else.
        let asked = server.requests.filter { $0.headers.contains(name: "X-Auth-Token") }
        #expect(asked.allSatisfy { !$0.headers.contains(name: "Authorization") && $0.body.isEmpty })
        #expect(door.isOpen)
    }

    @Test func aSessionThatHasEndedIsRenewed() async throws {
        let door = Door()
        let server = try TestServer { door.answer($0) }
        let reader = try await listing(server).open()
        #expect(await next(reader) == .gauge(microwatts: 333_000_000))
        door.forget()
        #expect(await next(reader) == .gauge(microwatts: 333_000_000))
        #expect(door.logins == 2)
    }

    @Test func sessionsAreClosedAtTheEnd() async throws {
        let door = Door()
        let server = try TestServer { door.answer($0) }
        let listing = try await listing(server)
        #expect(listing.availability == .available && door.isOpen)
        await PolledMeters.end()
        #expect(!door.isOpen)
    }

    @Test func theyAreClosedWithTheLastThatReads() async throws {
        let door = Door()
        let server = try TestServer { door.answer($0) }
        let link = try DeviceLink(
            try DeviceAddress(server.url), DeviceAccess(user: "monitor", passwordFile: "\(directory.path)/right"),
            client: .shared)
        do {
            let service = RedfishService(link)
            _ = try await service.get("/redfish/v1/Chassis")
            #expect(door.isOpen)
        }
        #expect(await isSo { !door.isOpen })
    }

    /// Which is another thing than that a session is wanted.
    @Test func aWrongPasswordIsTold() async throws {
        let door = Door()
        let server = try TestServer { door.answer($0) }
        let listing = try await listing(server, password: "wrong")
        #expect(listing.reason?.contains("refuses the user and password") == true)
        #expect(listing.reason?.contains("credentials included are missing or invalid") == true)
        #expect(listing.remedy == "check that `user` and `password_file` are correct")
        #expect(listing.reason?.contains("hobbes") == false)
        // A daemon looks again and again, and the BMC would lock the account.
        let count = server.requests.count
        #expect(try await self.listing(server, password: "wrong").reason == listing.reason)
        #expect(server.requests.count == count)
        #expect(try await self.listing(server).availability == .available)
    }

    @Test(arguments: [(503, "wants a session and opens none"), (404, "401: ")])
    func aBMCThatOpensNone(status: Int, reason: String) async throws {
        let door = Door(refusal: status)
        let server = try TestServer { door.answer($0) }
        #expect(try await listing(server).reason?.contains(reason) == true)
    }

    @Test func withoutAPasswordItIsAskedFor() async throws {
        let door = Door()
        let server = try TestServer { door.answer($0) }
        let listing = try #require(
            try await discover("meters: [{name: m, type: redfish, address: \"\(server.url)\"}]").first)
        #expect(listing.remedy == "give its `user` and `password_file`")
        #expect(server.requests.allSatisfy { $0.method == .GET })
    }
}
