import API
import Client
import Core
import Foundation
package import Host
import Service
package import Settings

/// `taskwatt backup`: a copy of the record in a file, or in a directory that keeps the newest ones.
package struct RecordBackup: Sendable {
    private let surroundings: Surroundings
    private let path: String
    /// How many the directory keeps; `nil` where the path is a file's.
    private let most: Int?

    package init(_ surroundings: Surroundings, _ path: String, keeping most: Int?) {
        (self.surroundings, self.path, self.most) = (surroundings, path, most)
    }

    package func write(_ existing: OutputFile.Existing) async throws {
        let rotation = most.map { _ in BackupRotation(path, machine: surroundings.machineName) }
        let place = rotation?.file(at: Clocks.wall()) ?? path
        let record = try await surroundings.record()
        // The record is for its owner and group, and a copy of it for nobody else.
        let output = try surroundings.output(place, existing, isPrivate: true, remedy: "name another place")
        try await record.backup(to: output)
        guard let size = try output.finish() else { return }
        surroundings.note("\(place): \((size + 1023) / 1024) KiB")
        guard let rotation, let most else { return }
        let gone = try rotation.removeOutdated(keeping: most)
        if !gone.isEmpty { surroundings.note("removed \(gone.joined(separator: ", "))") }
    }
}
