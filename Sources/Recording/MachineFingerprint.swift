/// By what the record tells one machine, as it is equipped, from another.
package enum MachineFingerprint {
    /// - Parameter inventory: its hardware in JSON; one byte of it that differs makes another machine.
    package static func of(machineName: String, inventory: String) -> String {
        // FNV-1a: short, stable, and nobody attacks it here.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in (machineName + inventory).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}
