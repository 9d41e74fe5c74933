/// A record that this process opens by itself: a file, or the record that a server keeps.
package protocol HeldRecord: RecordReader, RecordWriter {
    /// Writes a whole copy of the record, as of one moment.
    ///
    /// - Parameter file: must not be there.
    func backup(to file: String) throws(StoreError)
}

extension Store: HeldRecord {}
