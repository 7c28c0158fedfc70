package import NIOCore
import NIOSSL

extension PeerIdentity {
  /// On the event loop of the connection, once its first bytes have come out of the TLS handler.
  package static func name(in pipeline: ChannelPipeline.SynchronousOperations) -> String? {
    guard let tls = try? pipeline.handler(type: NIOSSLServerHandler.self), let certificate = tls.peerCertificate else {
      return nil
    }
    return name(of: certificate)
  }
}
