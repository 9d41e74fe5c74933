import Accounting
package import Core
import Glibc
import Metering

/// Why a device gave no reading: one line for a listing, a remedy where one is known, and the `errno` for the account.
package struct DeviceError: UserFacingError, Sendable, Hashable {
    var reason: String
    var remedy: String?
    var errno: Int32
    /// Of an answer over HTTP that is a refusal.
    var status: Int?

    init(_ reason: String, remedy: String? = nil, errno: Int32 = EIO, status: Int? = nil) {
        self.reason = reason
        self.remedy = remedy
        self.errno = errno
        self.status = status
    }

    package var userError: UserError { UserError(.unavailable, reason, remedy: remedy) }

    static func noAnswer(from source: String, within seconds: Double) -> DeviceError {
        let limit = seconds == seconds.rounded() ? "\(Int64(saturating: seconds))" : "\(seconds)"
        return DeviceError(
            "no answer from \(source) within \(limit) s",
            remedy: "see that it is on and that its address is right", errno: ETIMEDOUT)
    }

    static func noCertificate(in file: String) -> DeviceError {
        DeviceError("\(file) holds no certificate that can be read", remedy: "give the CA's certificate in PEM")
    }

    /// The answer came and does not hold what belongs there.
    static func unusable(_ reason: String, remedy: String? = nil) -> DeviceError {
        DeviceError(reason, remedy: remedy, errno: EBADMSG)
    }

    /// The device answered as it should, and says that it has no figure now.
    static func noData(_ reason: String, remedy: String? = nil) -> DeviceError {
        DeviceError(reason, remedy: remedy, errno: ENODATA)
    }

    /// As the result of a reading. What answers over a network is never gone: it may come back by itself.
    var reading: Reading { errno == ENODATA ? .noData(.noValue) : .failed(errno: errno) }
}
