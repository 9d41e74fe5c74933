package import Core
import Glibc

/// The result of reading a meter. A reader decides it, and the sampler goes by it; `Reading.init(errno:)` says what an `errno` means.
package enum Reading: Sendable, Hashable {
    /// The raw value of an energy counter in microjoules, wraps and all.
    case counter(microjoules: Int64)
    /// Power in microwatts.
    case gauge(microwatts: Int64)
    /// Nothing has come since the last call, of a meter that is polled in the background or read for several sessions.
    case nothingNew
    /// The meter works and has no value now. It is read again when it is due.
    case noData(NoData)
    /// The read failed with this `errno`, or with 0 where what it gave is no number. It is tried again, less often as it goes on
    /// failing; the account knows how to bridge it.
    case failed(errno: Int32)
    /// The device has gone. The meter is closed, and opened again when it is found again.
    case gone(errno: Int32)
}

/// A reading, and when it was made.
package struct TimedReading: Sendable, Hashable {
    package var reading: Reading
    package var time: MonotonicTime

    package init(reading: Reading, time: MonotonicTime) {
        self.reading = reading
        self.time = time
    }
}

/// Why a meter that works has no value.
package enum NoData: String, Sendable, Hashable, Codable, CaseIterable {
    /// A device that is asked in the background has not answered yet.
    case notAnswered = "not-answered"
    /// The device sleeps, and is not woken for a reading.
    case asleep
    /// A battery that does not feed the machine alone: what it gives is not the machine's power.
    case onMains = "on-mains"
    /// The driver says that it has none.
    case noValue = "no-value"

    /// Whether a value is on its way, so that it is worth waiting for. What sleeps or is plugged in may stay so for days.
    package var isAwaited: Bool { self == .notAnswered }

    fileprivate var reason: String {
        switch self {
        case .notAnswered: "it has not answered yet"
        case .asleep: "its device sleeps; it has a value when the device wakes"
        case .onMains: "the machine is plugged in, so the battery does not give all of its power"
        case .noValue: "its driver has no value now"
        }
    }

    fileprivate var remedy: String? { self == .onMains ? "unplug the power supply" : nil }
}

/// Why a reading failed, in few kinds: a label of `/metrics`.
package enum FailureReason: String, Sendable, Hashable, CaseIterable {
    case gone, permission, timeout, busy, unreachable, invalid, implausible, io

    /// - Parameter errno: of a read that failed; 0 where what it gave is no number.
    package init(errno: Int32) {
        self =
            switch errno {
            case ENODEV, ENOENT, ENOTDIR: .gone
            case EACCES, EPERM: .permission
            case ETIMEDOUT: .timeout
            case EAGAIN, EBUSY, EINTR: .busy
            case ECONNREFUSED, ECONNRESET, ECONNABORTED, EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN, EPIPE:
                .unreachable
            case 0, EBADMSG, EPROTO, EDOM, ERANGE, EMSGSIZE, ESTALE: .invalid
            default: .io
            }
    }
}

extension Reading {
    /// What a read of this machine that failed means. This is the one place that decides it for files and drivers; what answers over a
    /// network is never gone, for it may come back by itself.
    ///
    /// - ENODEV is what the kernel says of a file of `/sys` that is open and whose device is no more (fs/kernfs/file.c), ENOENT and
    ///   ENOTDIR when it is opened again.
    /// - ENODATA is a driver's "none now" (Documentation/hwmon/sysfs-interface.rst).
    /// - ENXIO and EREMOTEIO are a chip that did not acknowledge for once (Documentation/i2c/fault-codes.rst), EPERM and EINVAL those of
    ///   GPUs that are suspended (amdgpu_pm.c, nouveau_hwmon.c): all of these, and what is not known, may pass.
    package init(errno: Int32) {
        self =
            switch errno {
            case ENODATA: .noData(.noValue)
            case ENODEV, ENOENT, ENOTDIR: .gone(errno: errno)
            default: .failed(errno: errno)
            }
    }

    /// Whether it says anything of the meter, if only that there is nothing.
    package var isAnswer: Bool {
        switch self {
        case .nothingNew: false
        case .noData(let why): !why.isAwaited
        case .counter, .gauge, .failed, .gone: true
        }
    }
}

/// What came of a meter's last reading, for people and programs.
package struct MeterCondition: Sendable, Hashable {
    package enum Result: String, Sendable, Hashable, Codable, CaseIterable {
        case value
        case noData = "no-data"
        case failed, gone
    }

    package var result: Result
    /// One line, where there is no value.
    package var reason: String?
    package var remedy: String?

    /// - Parameter isPlausible: whether the value can be true.
    package init(_ reading: Reading, isPlausible: Bool = true) {
        switch reading {
        case .counter(let microjoules):
            result = isPlausible ? .value : .failed
            if !isPlausible { reason = "it says \(microjoules) µJ, which cannot be true" }
        case .gauge(let microwatts):
            result = isPlausible ? .value : .failed
            if !isPlausible { reason = "it says \(Power(microwatts: microwatts).watts) W, which cannot be true" }
        case .nothingNew: (result, reason) = (.noData, NoData.notAnswered.reason)
        case .noData(let why): (result, reason, remedy) = (.noData, why.reason, why.remedy)
        case .failed(let errno):
            result = .failed
            // 0 of a file that could be read, and holds something else.
            reason = errno == 0 ? "it holds no number now" : "the read failed: \(String(cString: strerror(errno)))"
        case .gone(let errno):
            result = .gone
            reason = "its device is gone: \(String(cString: strerror(errno)))"
            remedy = "it is read again once the device is found again"
        }
    }
}
