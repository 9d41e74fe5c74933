import Foundation
import TestSupport

/// A directory in the layout of the paper's `data/emissions`, made of whole cloth: the figures are the test's own.
final class PaperLogs {
    let directory: TemporaryDirectory
    var path: String { directory.path }

    static let baseHeader =
        "task_name,timestamp,project_name,run_id,duration,emissions,emissions_rate,cpu_power,gpu_power,ram_power,"
        + "cpu_energy,gpu_energy,ram_energy,energy_consumed,country_name,country_iso_code,region,cloud_provider,"
        + "cloud_region,os,python_version,codecarbon_version,cpu_count,cpu_model,gpu_count,gpu_model,longitude,latitude,"
        + "ram_total_size,tracking_mode,on_cloud"
    static let completeHeader = baseHeader.dropFirst("task_name,".count) + ",pue"
    private static let machine =
        "United States,USA,oregon,,,Linux-5.15.0,3.8.16,2.3.1,1,Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz,8,"
        + "8 x NVIDIA A100-SXM4-80GB,-119.7257,45.8234,1148.738,machine,N"

    init() throws {
        directory = try TemporaryDirectory()
        try directory.directory("/base")
        try directory.directory("/complete")
    }

    static func id(_ number: Int) -> String {
        "00000000-0000-4000-8000-" + String(1_000_000_000_000 + number).dropFirst()
    }

    /// A row, without the name of its stage: 1/8 of the energy is the CPU's, 1/2 the GPUs', 3/8 the memory's.
    static func row(_ number: Int, model: String, kWh: Double, seconds: Double = 8.5, second: Int = 30) -> String {
        "2023-10-02T20:20:\(second),\(model),\(id(number)),\(seconds),0.1,0.01,42.5,500,430.77675,"
            + "\(kWh / 8),\(kWh / 2),\(kWh * 3 / 8),\(kWh),\(machine)"
    }

    static func base(_ number: Int, model: String, kWh: Double) -> String {
        [
            baseHeader, "load model," + row(number, model: model, kWh: 0.04, second: 20),
            "query model," + row(number, model: model, kWh: kWh), "",
        ].joined(separator: "\r\n")
    }

    /// Adds runs to a file of `complete/`, and writes the files of `base/` that go with them.
    func add(_ file: String, _ runs: [(number: Int, model: String, kWh: Double)]) throws {
        var lines = [String(Self.completeHeader)]
        for run in runs {
            lines.append(Self.row(run.number, model: run.model, kWh: run.kWh + 0.04) + ",1")
            try base(run.number, Self.base(run.number, model: run.model, kWh: run.kWh))
        }
        try complete(file, lines.joined(separator: "\n") + "\n")
    }

    func base(_ number: Int, _ text: String) throws { try directory.write(baseFile(number), text) }
    func base(_ number: Int, _ bytes: Data) throws { try directory.write(baseFile(number), bytes) }
    func complete(_ file: String, _ text: String) throws { try directory.write("/complete/\(file).csv", text) }

    func baseFile(_ number: Int) -> String { "/base/emissions_base_\(Self.id(number)).csv" }
}
