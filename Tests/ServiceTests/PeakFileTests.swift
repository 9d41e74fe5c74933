import Reporting
import TestSupport
import Testing

@testable import Service

@Suite("peaks.json")
struct PeakFileTests {
    private func peak(_ gops: Double, _ precision: String = "fp32", _ device: String = "CPU") -> DevicePeak {
        DevicePeak(device: device, kind: .measured, precision: precision, gops: gops, source: "GEMM", isCPU: true)
    }

    @Test("One of each machine, device and precision, the latest")
    func keeping() throws {
        let directory = try TemporaryDirectory()
        let file = PeakFile(directory: directory.path)
        #expect(try file.read().isEmpty)
        try file.keep(peak(1), of: "a")
        try file.keep(peak(2, "int8"), of: "a")
        try file.keep(peak(3), of: "a")
        try file.keep(peak(4), of: "b")
        let all = try file.read()
        #expect(Set(all["a"]?.map(\.gops) ?? []) == [2, 3] && all["b"]?.map(\.gops) == [4])
        #expect(try file.remove())
        #expect(try !file.remove())
        #expect(try PeakFile(directory: directory.path + "/none").read().isEmpty)
    }

    @Test("What the first directory has of a device counts; a broken file is told of, and is written anew")
    func directories() throws {
        let (own, system) = (try TemporaryDirectory(), try TemporaryDirectory())
        try PeakFile(directory: own.path).keep(peak(1), of: "a")
        try PeakFile(directory: system.path).keep(peak(2), of: "a")
        try PeakFile(directory: system.path).keep(peak(3, "int8"), of: "a")
        let all = PeakFile.read([own.path, system.path]) { _ in Issue.record("nothing is broken") }
        #expect(all["a"]?.map(\.gops) == [1, 3])

        try own.write("/peaks.json", "{\"a\": [{\"gops\": \"many\"}]}")
        var complaints: [String] = []
        #expect(PeakFile.read([own.path, system.path]) { complaints.append($0) }["a"]?.count == 2)
        #expect(complaints.count == 1 && complaints[0].contains("--peak"))
        try PeakFile(directory: own.path).keep(peak(5), of: "a")
        #expect(try PeakFile(directory: own.path).read()["a"]?.map(\.gops) == [5])
    }

    @Test("Numbers that no machine has are left out")
    func impossible() throws {
        let directory = try TemporaryDirectory()
        let file = PeakFile(directory: directory.path)
        try file.keep(peak(1), of: "a")
        let text =
            "{\"a\": [{\"device\":\"d\",\"kind\":\"measured\",\"precision\":\"fp32\",\"gops\":-1,\"source\":\"s\",\"contended\":false,\"cpu\":true}]}"
        try directory.write("/peaks.json", text)
        #expect(try file.read()["a"]?.isEmpty == true)
    }
}
