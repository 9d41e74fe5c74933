import COnnxRuntime
import Foundation

/// ONNX Runtime, found and opened at run time.
package final class OnnxRuntime: @unchecked Sendable {
    // The handles are pointers into the library, which is safe to call from any thread.
    let handle: OpaquePointer
    let environment: OpaquePointer

    /// 1.14 is the first that has opset 17's operators in all builds that distributions carry.
    package static let minimumVersion: UInt32 = 14

    /// Opens the first library that can be used, from the places of `candidates`.
    package init(environment variables: [String: String] = ProcessInfo.processInfo.environment) throws(OnnxError) {
        // Empty is as good as not set: that is how a unit file or a shell unsets it.
        let variables = variables.filter { !$0.value.isEmpty }
        var tried: [String] = []
        var opened: OpaquePointer?
        for candidate in Self.candidates(variables) {
            var error: UnsafeMutablePointer<CChar>?
            opened = tw_ort_open(candidate, Self.minimumVersion, &error)
            if opened != nil { break }
            tried.append(Self.take(error))
            // A file that the user names is meant; another one in its place would be a silent surprise.
            if variables["TASKWATT_ONNXRUNTIME"] != nil { break }
        }
        guard let opened else { throw .noEngine(tried: tried) }
        handle = opened
        var environment: OpaquePointer?
        let failure = tw_ort_create_env(opened, &environment)
        guard failure == nil, let environment else {
            tw_ort_close(opened)
            throw .engine(Self.take(failure))
        }
        self.environment = environment
    }

    deinit {
        tw_ort_release_env(handle, environment)
        tw_ort_close(handle)
    }

    package var version: String { String(cString: tw_ort_version(handle)) }
    package var path: String { String(cString: tw_ort_path(handle)) }

    /// The execution providers that the library was built with, without `ExecutionProvider`, such as `CUDA`.
    package var providers: [String] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>>?
        var count: Int32 = 0
        let message = tw_ort_available_providers(handle, &names, &count)
        guard message == nil, let names else {
            free(message)
            return []
        }
        defer { tw_ort_release_providers(handle, names, count) }
        return (0..<Int(count)).map {
            String(cString: names[$0]).replacingOccurrences(of: "ExecutionProvider", with: "")
        }
    }

    /// Whether the library can use a device at all.
    ///
    /// - Throws: `OnnxError.noProvider`.
    package func require(_ device: ExecutionDevice) throws(OnnxError) {
        let available = providers
        guard device.providers.contains(where: available.contains) else {
            throw .noProvider(device: device, library: "ONNX Runtime \(version) (\(path))", available: available)
        }
    }

    /// Where the library may be, in order: the file `TASKWATT_ONNXRUNTIME`; the directories of `TASKWATT_ENGINE_PATH`; the
    /// user's and the system's engine directories; `.engines` of a checkout above the program; the loader's own places.
    private static func candidates(_ variables: [String: String]) -> [String] {
        if let file = variables["TASKWATT_ONNXRUNTIME"] { return [file] }
        var directories = (variables["TASKWATT_ENGINE_PATH"] ?? "").split(separator: ":").flatMap { directory in
            [String(directory), "\(directory)/onnxruntime"]
        }
        let data = variables["XDG_DATA_HOME"] ?? variables["HOME"].map { "\($0)/.local/share" }
        if let data { directories.append("\(data)/taskwatt/engines/onnxruntime") }
        directories += ["/usr/local/lib", "/usr/lib", "/var/lib"].map { "\($0)/taskwatt/engines/onnxruntime" }
        var above = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        while above.path != "/" {
            above.deleteLastPathComponent()
            directories.append(above.appendingPathComponent(".engines/onnxruntime").path)
        }
        return directories.flatMap(libraries) + systemNames()
    }

    /// The loader finds a library by the name that it was linked under; a distribution's carries its version.
    private static func systemNames() -> [String] {
        let places = [
            "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/local/lib", "/usr/lib",
        ]
        return ["libonnxruntime.so.1", "libonnxruntime.so"] + places.flatMap(libraries)
    }

    /// The engine's files in a directory, the newest version first.
    private static func libraries(in directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
            .filter { $0.hasPrefix("libonnxruntime.so") }
            .sorted { $0.compare($1, options: .numeric) == .orderedDescending }
            .map { "\(directory)/\($0)" }
    }

    static func take(_ message: UnsafeMutablePointer<CChar>?) -> String {
        guard let message else { return "unknown error" }
        defer { free(message) }
        return String(cString: message).split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    static func check(_ message: UnsafeMutablePointer<CChar>?) throws(OnnxError) {
        if message != nil { throw .engine(take(message)) }
    }
}
