package import Core

extension UserError.Kind {
    /// What the program ends with.
    package var exitStatus: Int32 {
        switch self {
        // EX_USAGE of sysexits.h, as the argument parser's own.
        case .usage, .unknownName: 64
        // As a shell has it of a program that SIGINT ended.
        case .interrupted: 130
        case .notFound, .notAllowed, .busy, .unavailable, .damaged, .failed: 1
        }
    }
}
