package import Hummingbird
package import NIOCore

/// What a responder knows of the connection besides the request.
package struct DoorContext: InitializableFromSource, Sendable {
  package let channel: any Channel
  /// Address of the sender without its port; nil for loopback, which a Unix socket counts as; empty when the connection is
  /// gone already. Taken at the head, while it is most likely still there.
  package let foreignAddress: String?

  package init(source: ApplicationRequestContextSource) {
    channel = source.channel
    foreignAddress = Self.foreignAddress(of: channel)
  }

  /// See `foreignAddress`.
  package static func foreignAddress(of channel: any Channel) -> String? {
    guard let address = channel.remoteAddress else { return "" }
    return address.ipAddress.flatMap { isLoopback($0) ? nil : $0 }
  }

  static func isLoopback(_ address: String) -> Bool {
    address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.")
  }
}
