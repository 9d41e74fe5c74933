/// A list of CPUs as the kernel prints it, such as `0,18` or `0-3,8`; Documentation/admin-guide/cputopology.rst.
package enum CPUList {
    /// The CPUs in their order; what cannot be read as a number or a range is left out.
    package static func parse(_ text: String) -> [Int] {
        text.split(separator: ",").flatMap { part -> [Int] in
            let ends = part.split(separator: "-").compactMap { Int($0) }
            switch ends.count {
            case 1: return ends
            case 2 where ends[0] <= ends[1] && ends[1] - ends[0] < 65_536: return Array(ends[0]...ends[1])
            default: return []
            }
        }
    }
}
