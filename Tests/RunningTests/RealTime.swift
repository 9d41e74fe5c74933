import Testing

/// What measures real time, and is run alone.
@Suite(.serialized) enum RealTime {}
