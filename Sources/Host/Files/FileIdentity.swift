import Glibc

/// What tells one file from another, by whatever name: its device and inode, as `8:1234`, the form of `JOURNAL_STREAM`
/// (systemd.exec(5)).
package enum FileIdentity {
    /// `nil` of a file that cannot be looked at. Links are followed.
    package static func of(path: String) -> String? {
        var status = stat()
        return stat(path, &status) == 0 ? text(status) : nil
    }

    /// `nil` of a descriptor that is not open.
    package static func of(descriptor: Int32) -> String? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? text(status) : nil
    }

    private static func text(_ status: stat) -> String { "\(status.st_dev):\(status.st_ino)" }
}
