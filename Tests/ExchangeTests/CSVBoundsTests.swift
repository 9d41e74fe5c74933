import Testing

@testable import Exchange

/// A file of logs is read whole, so what a line and a field may have is bounded.
@Suite struct CSVBoundsTests {
    private func read(_ text: String) -> (records: Int, problems: [String]) {
        var (records, problems) = (0, [String]())
        do {
            var reader = try CSVReader(Array(text.utf8), file: "x.csv")
            while true {
                do throws(ImportProblem) {
                    guard try reader.next() != nil else { break }
                    records += 1
                } catch {
                    problems.append("\(error)")
                }
            }
        } catch {
            problems.append("\(error)")
        }
        return (records, problems)
    }

    @Test func fields() {
        func line(_ fields: Int) -> String { Array(repeating: "1", count: fields).joined(separator: ",") + "\n" }
        #expect(read(line(CSVReader.mostFields)).records == 1)
        let (records, problems) = read(line(CSVReader.mostFields + 1) + "1,2\n")
        #expect(records == 1 && problems.count == 1 && problems[0].contains("\(CSVReader.mostFields)"))
    }

    @Test(arguments: ["", "\""]) func bytes(_ quote: String) {
        func line(_ bytes: Int) -> String { quote + String(repeating: "x", count: bytes) + quote + ",1\n" }
        #expect(read(line(CSVReader.mostFieldBytes)).records == 1)
        let (records, problems) = read(line(CSVReader.mostFieldBytes + 1) + "1,2\n")
        #expect(records == 1 && problems.count == 1 && problems[0].contains("\(CSVReader.mostFieldBytes)"))
    }

    @Test func records() {
        #expect(read(String(repeating: "1\n", count: CSVReader.mostRecords)).records == CSVReader.mostRecords)
        let (records, problems) = read(String(repeating: "1\n", count: CSVReader.mostRecords + 1000))
        #expect(records == CSVReader.mostRecords && problems.count == 1)
    }
}
