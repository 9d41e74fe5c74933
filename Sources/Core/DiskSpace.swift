import Glibc

package enum DiskSpace {
    /// What a user without rights may still write to the disk that a path is on, in bytes: statvfs(3). `nil` where it does not say; `errno`
    /// has the reason.
    package static func free(_ path: String) -> Int64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let (bytes, isTooMuch) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return isTooMuch ? .max : Int64(clamping: bytes)
    }
}
