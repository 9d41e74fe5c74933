import Core
import Testing

@Suite("The hypervisor's name")
struct HypervisorNameTests {
    @Test("One without a name is unknown to people, and its name in records stays what it was")
    func unnamed() {
        #expect(HypervisorName.unnamed == "a hypervisor that does not say its name")
        #expect(HypervisorName.shown(HypervisorName.unnamed) == "unknown hypervisor")
        #expect(HypervisorName.shown("QEMU/KVM") == "QEMU/KVM")
    }
}
