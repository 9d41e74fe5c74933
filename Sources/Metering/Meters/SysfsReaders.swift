import Accounting
import Core
import Host

/// Something that tells one whole number at a time.
protocol NumberSource: AnyObject {
    /// - Throws: `HostError` of the open or the read.
    func read() throws(HostError) -> Int64
}

/// Reads a file that holds one number and keeps it open. After a failure it opens the file anew, for the zone may have
/// gone and come back.
final class NumberFileReader: NumberSource {
    private let host: HostRoot
    private let path: String
    private var file: CounterBox?

    init(host: HostRoot, path: String) {
        self.host = host
        self.path = path
    }

    /// - Throws: `HostError` of the open or the read.
    func read() throws(HostError) -> Int64 {
        do throws(HostError) {
            if let file { return try file.counter.read() }
            let opened = CounterBox(try host.openCounter(path))
            file = opened
            return try opened.counter.read()
        } catch {
            file = nil
            throw error
        }
    }

    /// Holds the file, which cannot be copied, where it can be let go and opened again.
    private final class CounterBox {
        let counter: OpenCounter
        init(_ counter: consuming OpenCounter) { self.counter = counter }
    }
}

/// Reads the beginning of a text file and keeps it open, as `NumberFileReader` does.
final class TextFileReader {
    private let host: HostRoot
    private let path: String
    private var file: TextBox?

    init(host: HostRoot, path: String) {
        self.host = host
        self.path = path
    }

    /// - Throws: `HostError` of the open or the read.
    func read<Value>(_ body: (UnsafeRawBufferPointer) -> Value) throws(HostError) -> Value {
        do throws(HostError) {
            if let file { return try file.text.read(body) }
            let opened = TextBox(try host.openText(path))
            file = opened
            return try opened.text.read(body)
        } catch {
            file = nil
            throw error
        }
    }

    private final class TextBox {
        let text: OpenText
        init(_ text: consuming OpenText) { self.text = text }
    }
}

/// An energy counter in microjoules, such as `energy_uj` or `energy1_input`.
final class CounterFileReader: MeterReader {
    private let file: any NumberSource

    init(_ file: any NumberSource) { self.file = file }

    convenience init(host: HostRoot, path: String) { self.init(NumberFileReader(host: host, path: path)) }

    func read() -> Reading {
        do throws(HostError) {
            return .counter(microjoules: try file.read())
        } catch {
            return Reading(error)
        }
    }
}

/// A power gauge in microwatts, such as `power1_average`.
final class GaugeFileReader: MeterReader {
    private let file: any NumberSource

    init(_ file: any NumberSource) { self.file = file }

    convenience init(host: HostRoot, path: String) { self.init(NumberFileReader(host: host, path: path)) }

    func read() -> Reading {
        do throws(HostError) {
            return .gauge(microwatts: try file.read())
        } catch {
            return Reading(error)
        }
    }
}

/// Voltage × current: two files, in millivolts and milliamperes, whose product is in microwatts.
final class ProductFileReader: MeterReader {
    private let voltage: any NumberSource
    private let current: any NumberSource

    init(millivolts: any NumberSource, milliamperes: any NumberSource) {
        voltage = millivolts
        current = milliamperes
    }

    func read() -> Reading {
        do throws(HostError) {
            // In floating point, for a broken chip's numbers can be any.
            let product = Double(try voltage.read()) * Double(try current.read())
            return .gauge(microwatts: Int64(saturating: product))
        } catch {
            return Reading(error)
        }
    }
}
