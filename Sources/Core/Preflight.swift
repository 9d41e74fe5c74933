/// What other modules have to know of the texts of `doctor`, which a record keeps as its preflight.
package enum Preflight {
    /// What stands in a finding before the names of programs that ran meanwhile. They tell what else a laboratory works on, so whoever
    /// leaves names out leaves out all that follows on the line.
    package static let programs = "; the busiest: "
}
