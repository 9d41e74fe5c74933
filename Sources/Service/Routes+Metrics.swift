import Hummingbird
import NIOCore

extension Routes {
    /// Where Prometheus looks by itself: beside /v1, not in it.
    func addMetrics(to router: Router<Context>) {
        router.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: DaemonMetrics.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: await metrics.text())))
        }
    }
}
