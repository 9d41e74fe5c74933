import Core
package import Listening
package import Recording
import Reporting

/// The collector's page for people: the machines, and what they have measured.
package struct FleetPage: Sendable {
    /// What tells the rows of its table apart beside the task.
    enum View: String, CaseIterable {
        case machine, `class`

        /// - Throws: `UserError` for another word.
        init(_ name: String?) throws {
            guard let name else {
                self = .class
                return
            }
            guard let view = View(rawValue: name) else {
                throw UserError(.usage, "`by` is machine or class, not `\(name.prefix(100))`")
            }
            self = view
        }
    }

    /// The password.
    let token: AccessToken
    private let record: any RecordReader

    package init(token: AccessToken, record: any RecordReader) { (self.token, self.record) = (token, record) }

    /// - Parameters:
    ///   - machines: all that are enrolled.
    ///   - time: seconds since 1970.
    func html(by view: View, machines: [EnrolledMachine], at time: Double) async throws -> String {
        let entries = try await FleetEntry.all(machines, in: record)
        var options = TableReport.Options()
        options.by = [view == .machine ? .machine : .equipment]
        options.outliers = false
        let table = try await TableReport(record, options)
        let other = view == .machine ? "class" : "machine"
        return TablesPage(
            "Taskwatt: \(FigureText.count(machines.count, "machine")), \(LocalTime.text(time))",
            [
                machines.isEmpty
                    ? TablesPage.Section("Machines", text: "None is enrolled yet: `taskwatt collect enroll NAME`.")
                    : TablesPage.Section("Machines", html: entries.table.html(caption: "Enrolled machines")),
                table.rows.isEmpty
                    ? TablesPage.Section("Energy", text: "Nothing has come yet.")
                    : TablesPage.Section(
                        "Energy by \(view.rawValue)",
                        html: "<p><a href=\"/?by=\(other)\">By \(other)</a></p>\n" + table.html()),
            ]
        ).html
    }
}
