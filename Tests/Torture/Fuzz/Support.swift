import Foundation
import Glibc

/// A file of one process, for what reads by path; each input takes the place of the one before. It is called `input`, in a directory of its
/// own, so that an input can name itself.
enum FuzzFile {
    private static let path: String = {
        let directory = "\(ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp")/taskwatt-fuzz-\(getpid())"
        mkdir(directory, 0o700)
        atexit {
            unlink(FuzzFile.path)
            rmdir(String(FuzzFile.path.dropLast("/input".count)))
        }
        return "\(directory)/input"
    }()

    static func with(_ input: UnsafeRawBufferPointer, _ body: (String) -> Void) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        precondition(descriptor >= 0, "\(path) cannot be written")
        precondition(write(descriptor, input.baseAddress, input.count) == input.count)
        close(descriptor)
        body(path)
    }
}
