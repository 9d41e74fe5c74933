import Core
import Foundation
import Reporting

/// `samples.csv`: every sample of every run, in the order of the runs (RFC 4180, one header).
enum BundleSamples {
    static let header = ["run", "meter", "monotonic_ns", "wall_unix_s", "energy_uj", "power_uw", "edge"]

    /// - Parameter run: the line of the run in `runs.jsonl`, from 1.
    static func fields(_ sample: Sample, run: Int) -> [String] {
        [
            String(run), sample.meterID, String(sample.time.nanoseconds), CSVWriter.number(sample.wallTime),
            sample.energy.map { String($0.microjoules) } ?? "", sample.power.map { String($0.microwatts) } ?? "",
            sample.edge?.rawValue ?? "",
        ]
    }

    /// - Parameter place: the file and the line, for the error.
    static func parse(_ line: String, _ place: @autoclosure () -> String) throws -> (run: Int, sample: Sample) {
        let fields = try split(line, place())
        guard fields.count == header.count else {
            throw BundleError("\(place()): \(fields.count) fields, where a sample has \(header.count)")
        }
        func fail(_ column: Int) -> BundleError {
            BundleError(
                "\(place()): `\(header[column])` cannot be \(fields[column].isEmpty ? "empty" : fields[column])")
        }
        guard let run = Int(fields[0]), run > 0 else { throw fail(0) }
        guard !fields[1].isEmpty else { throw fail(1) }
        guard let time = Int64(fields[2]) else { throw fail(2) }
        guard let wall = Double(fields[3]) else { throw fail(3) }
        let energy = Int64(fields[4])
        guard fields[4].isEmpty || energy != nil else { throw fail(4) }
        let power = Int64(fields[5])
        guard fields[5].isEmpty || power != nil else { throw fail(5) }
        let edge = WindowEdge(rawValue: fields[6])
        guard fields[6].isEmpty || edge != nil else { throw fail(6) }
        let sample = Sample(
            meterID: fields[1], time: MonotonicTime(nanoseconds: time), wallTime: wall,
            energy: energy.map(Energy.init(microjoules:)), power: power.map(Power.init(microwatts:)), edge: edge)
        if let problem = sample.outOfBounds { throw BundleError("\(place()): \(problem)") }
        return (run, sample)
    }

    /// The fields of one line; none holds a line break.
    private static func split(_ line: String, _ place: @autoclosure () -> String) throws -> [String] {
        if !line.utf8.contains(UInt8(ascii: "\"")) {
            // By bytes: to look where characters end takes longer than all else that is done with a line.
            return line.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
                String(Substring($0))
            }
        }
        var fields: [String] = []
        var field = ""
        var isQuoted = false
        var rest = line[...]
        while let character = rest.popFirst() {
            if isQuoted {
                if character != "\"" {
                    field.append(character)
                } else if rest.first == "\"" {
                    field.append("\"")
                    rest.removeFirst()
                } else {
                    isQuoted = false
                }
            } else if character == "\"" {
                isQuoted = true
            } else if character == "," {
                fields.append(field)
                field = ""
            } else {
                field.append(character)
            }
        }
        if isQuoted { throw BundleError("\(place()): a quote does not end") }
        return fields + [field]
    }
}

/// The lines of a file, one at a time, so that its length costs no memory.
struct LineReader {
    private let handle: FileHandle
    private let path: String
    private let mostBytes: Int
    private var buffer = Data()
    private var isAtEnd = false
    private(set) var number = 0

    /// - Parameters:
    ///   - path: in the bundle, for errors.
    ///   - mostBytes: of a line.
    init(_ file: String, path: String, mostBytes: Int) throws {
        guard let handle = FileHandle(forReadingAtPath: file) else { throw BundleError("\(path) is missing") }
        self.handle = handle
        self.path = path
        self.mostBytes = mostBytes
    }

    var place: String { "\(path), line \(number)" }

    /// Without its line break; `nil` after the last.
    mutating func next() throws -> Data? {
        var searched = buffer.startIndex
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                number += 1
                let line = buffer[buffer.startIndex..<end]
                guard line.count <= mostBytes else { throw tooLong(number) }
                buffer = buffer[buffer.index(after: end)...]
                return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            }
            searched = buffer.endIndex
            guard buffer.count <= mostBytes else { throw tooLong(number + 1) }
            if isAtEnd {
                guard buffer.isEmpty else {
                    throw BundleError("\(path), line \(number + 1): the file is cut short in the middle of a line")
                }
                return nil
            }
            let more: Data?
            do { more = try handle.read(upToCount: 1 << 18) } catch {
                throw BundleError("\(path) cannot be read")
            }
            // A slice keeps all that was before it.
            let kept = searched - buffer.startIndex
            buffer = Data(buffer) + (more ?? Data())
            searched = buffer.startIndex + kept
            isAtEnd = more?.isEmpty ?? true
        }
    }

    private func tooLong(_ line: Int) -> BundleError {
        BundleError("\(path), line \(line): it is too long; \(mostBytes) bytes are the most")
    }
}
