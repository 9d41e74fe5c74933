/// Stands for that of `Exchange`, whose file needs the record.
struct BundleError: Error {
    let description: String

    init(_ description: String) { self.description = description }
}
