import Core
import Metering
import TestSupport
import Testing

@testable import PolledMeters

/// A BMC that goes on for ever is given up.
@Suite struct RedfishBoundsTests {
    private let root = "/redfish/v1/Chassis"

    private func listing(_ server: TestServer) async throws -> MeterListing {
        try #require(try await discover("meters: [{name: m, type: redfish, address: \"\(server.url)\"}]").first)
    }

    /// Each page leads to the next, and each of its members is there whole: a hundred pages would be gigabytes.
    @Test func endlessCollections() async throws {
        let member =
            #"{"@odata.id":"/redfish/v1/Chassis/1","a":[\#(Array(repeating: "0", count: 500).joined(separator: ","))],"b":0,"c":0}"#
        let members = Array(repeating: member, count: 40).joined(separator: ",")
        let pages = try TestServer { request in
            let page = Int(request.path.split(separator: "?").last ?? "") ?? 0
            return .json(
                #"{"Members":[\#(members)],"Members@odata.nextLink":"/redfish/v1/Chassis?\#(page + 1)"}"#)
        }
        let endless = try await listing(pages)
        #expect(endless.reason?.contains("50000 values") == true)
        #expect((2...6).contains(pages.requests.count))

        // And so many chassis that are large one by one, beside one that tells its power.
        let links = (0..<100).map { #"{"@odata.id":"\#(root)/\#($0)"}"# }.joined(separator: ",")
        let zeros = Array(repeating: "0", count: 2_000).joined(separator: ",")
        let large = try TestServer { [root] request in
            switch request.path {
            case root: .json(#"{"Members":[\#(links)]}"#)
            case "\(root)/0":
                .json(
                    #"{"ChassisType":"RackMount","EnvironmentMetrics":{"@odata.id":"\#(root)/0/EnvironmentMetrics"}}"#
                )
            case "\(root)/0/EnvironmentMetrics": .json(#"{"PowerWatts":{"Reading":100}}"#)
            default: .json(#"{"ChassisType":"RackMount","a":[\#(zeros)]}"#)
            }
        }
        #expect(try await listing(large).reason?.contains("50000 values") == true)
    }
}
