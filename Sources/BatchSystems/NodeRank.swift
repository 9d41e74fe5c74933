/// Which of the processes of one job on this node this is.
package enum NodeRank {
    /// The variables in which launchers give each process its number on the node: srun(1), torchrun, Open MPI, MVAPICH, Intel MPI and
    /// MPICH, PALS, Spectrum MPI, Flux.
    package static let variables = [
        "SLURM_LOCALID", "LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID",
        "PMI_LOCAL_RANK", "PALS_LOCAL_RANKID", "JSM_NAMESPACE_LOCAL_RANK", "FLUX_TASK_LOCAL_ID",
    ]

    /// The number of a process that is not the first one on its node, and the variable that says so. Launchers nest: under each task of
    /// `srun` may be a `torchrun` that counts from 0 again, so only who is first for all of them is first.
    ///
    /// - Returns: `nil` of the first one, and outside of any launcher.
    package static func later(_ environment: [String: String]) -> (rank: Int, variable: String)? {
        for variable in variables {
            if let rank = environment[variable].flatMap({ Int($0) }), rank > 0 { return (rank, variable) }
        }
        return nil
    }
}
