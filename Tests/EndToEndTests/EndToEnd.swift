import Testing

/// The program as a user has it: real processes, sockets, signals, and libsensors over simulated sensors. One test at a
/// time, for they measure.
@Suite(.serialized) enum EndToEnd {}
