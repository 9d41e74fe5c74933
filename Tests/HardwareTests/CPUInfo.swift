/// Texts in the form of `/proc/cpuinfo`, with the fields that bear on the inventory.
enum CPUInfo {
    /// Intel: sockets of cores with two threads each, numbered as Linux does, second threads last.
    static func xeon(sockets: Int, cores: Int) -> String {
        let cpus = (0..<2).flatMap { _ in (0..<sockets).flatMap { socket in (0..<cores).map { (socket, $0) } } }
        return cpus.enumerated().map { number, place in
            """
            processor\t: \(number)
            vendor_id\t: GenuineIntel
            cpu family\t: 6
            model\t\t: 143
            model name\t: Intel(R) Xeon(R) Platinum 8480+
            stepping\t: 8
            microcode\t: 0x2b000571
            cpu MHz\t\t: \(800 + number).000
            physical id\t: \(place.0)
            siblings\t: \(cores * 2)
            core id\t\t: \(place.1)
            cpu cores\t: \(cores)
            flags\t\t: fpu vme sse4_2 avx f16c fma avx2 avx_vnni avx512f avx512bw avx512vl avx512_vnni avx512_bf16 amx_bf16 \
            avx512_fp16 amx_tile amx_int8

            """
        }.joined(separator: "\n")
    }

    /// A virtual machine with two CPUs of an EPYC.
    static func epyc(megahertz: String = "2596.130") -> String {
        (0..<2).map { number in
            """
            processor\t: \(number)
            vendor_id\t: AuthenticAMD
            cpu family\t: 25
            model\t\t: 17
            model name\t: AMD EPYC
            microcode\t: 0x1000065
            cpu MHz\t\t: \(megahertz)
            physical id\t: 0
            core id\t\t: \(number)
            flags\t\t: fpu vme fma sse4_2 avx f16c hypervisor avx2 avx512f avx512bw avx512_bf16 avx512vl avx512_vnni
            power management:

            """
        }.joined(separator: "\n")
    }

    static let graviton3 = (0..<4).map { number in
        """
        processor\t: \(number)
        BogoMIPS\t: 2100.00
        Features\t: fp asimd evtstrm aes fphp asimdhp asimddp sve svei8mm svebf16 i8mm bf16 dgh rng
        CPU implementer\t: 0x41
        CPU architecture: 8
        CPU variant\t: 0x1
        CPU part\t: 0xd40
        CPU revision\t: 1

        """
    }.joined(separator: "\n")

    static let raspberryPi5 =
        (0..<4).map { number in
            """
            processor\t: \(number)
            BogoMIPS\t: 108.00
            Features\t: fp asimd evtstrm aes fphp asimdhp asimddp
            CPU implementer\t: 0x41
            CPU architecture: 8
            CPU variant\t: 0x4
            CPU part\t: 0xd0b
            CPU revision\t: 1

            """
        }.joined(separator: "\n") + "\nRevision\t: d04170\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n"
}
