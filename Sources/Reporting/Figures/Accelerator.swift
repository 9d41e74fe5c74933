import Foundation

/// A published accelerator: what its maker or its paper says it can do at most, and the power that goes with it.
///
/// The facts are in `accelerators.csv`: only figures that were read in a source, and only dense ones, without what sparsity would add. Most of
/// those up to 2023 are of the survey of Reuther et al., *Lincoln AI Computing Survey (LAICS) Update*, IEEE HPEC 2023, each line with the
/// survey's own reference; most of the newer ones of Epoch AI's *Machine Learning Hardware* (CC BY 4.0), each with the page that Epoch cites.
/// A line says where its maker's page was not opened. The year is that of the part's release, or of the source where that is not told. The
/// classes are ours.
package struct Accelerator: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case gpu = "GPU"
        case fpga = "FPGA"
        case digital = "digital ASIC"
        case mixedSignal = "mixed-signal ASIC"
        case tpu = "TPU"
        case npu = "NPU"
    }

    package var name: String
    package var kind: Kind
    package var year: Int
    package var precision: String
    /// 10⁹ operations a second; a multiplication and an addition are two.
    package var gops: Double
    package var watts: Double
    package var source: String

    package var efficiency: Double { gops / watts }

    /// The lines of the file, without those that cannot be read: a test sees to it that there are none.
    package static let published: [Accelerator] = lines.compactMap(Accelerator.init(fields:))

    /// The fields of each line after the first; none of them has a comma or a quote in it.
    package static var lines: [[String]] {
        String(decoding: PackageResources.accelerators_csv, as: UTF8.self).split(separator: "\n").dropFirst()
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    }

    package init?(fields: [String]) {
        guard fields.count == 7, fields.allSatisfy({ !$0.isEmpty }), let kind = Kind(rawValue: fields[1]),
            let year = Int(fields[2]), let gops = Double(fields[4]), let watts = Double(fields[5]), gops > 0, watts > 0
        else { return nil }
        name = fields[0]
        self.kind = kind
        self.year = year
        precision = fields[3]
        self.gops = gops
        self.watts = watts
        source = fields[6]
    }
}

/// The least energy that forgetting a bit can cost: k · T · ln 2 (Landauer, *Irreversibility and Heat Generation in the
/// Computing Process*, IBM Journal 5, 1961).
package enum Landauer {
    /// J/K, exact since the SI of 2019.
    package static let boltzmann = 1.380649e-23
    package static let kelvin = 300.0
    package static var joulesPerBit: Double { boltzmann * kelvin * log(2) }
    /// What an operation is taken to forget: the 32 bits of one of its operands, in whose place the result is.
    package static let bitsPerOperation = 32.0
    /// The efficiency that no machine of that kind can pass, in GOP/s/W.
    package static var gopsPerWatt: Double { 1e-9 / (joulesPerBit * bitsPerOperation) }
}
