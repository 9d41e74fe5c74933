/// Stands for that of `Service`, whose file needs the meters and the record.
package struct APIError: Error {
    package enum Kind { case usage, failed }

    package init(_ kind: Kind, _ message: String) {}
}
