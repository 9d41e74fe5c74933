import CLinux

/// Names the thread that calls it, for those who look at the process: PR_SET_NAME of prctl(2), 15 bytes at the most.
///
/// `Thread.name` of Foundation names a thread that has just begun only where whoever started it has noted its handle by then; else the name
/// stays that of the starter's thread.
package func nameThisThread(_ name: String) { taskwatt_name_process(name) }
