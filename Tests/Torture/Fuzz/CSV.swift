import Core

#if !LIBFUZZER
@testable import Exchange
#endif

/// CSV of another program, record by record; what is wrong in one does not keep from the next.
func fuzzCSV(_ input: UnsafeRawBufferPointer) {
    guard var reader = try? CSVReader(Array(input), file: "fuzz.csv") else { return }
    // Each call reads something on, or it would never end.
    for _ in 0...input.count + 1 {
        do throws(ImportProblem) {
            guard let record = try reader.next() else { return }
            precondition(record.line >= 1)
        } catch {
            continue
        }
    }
    preconditionFailure("it does not come to an end")
}
