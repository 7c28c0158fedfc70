package import NIOCore
import NIOSSL

/// Who a client is by its certificate, which the handshake has verified: its first DNS name, else its common name.
package enum PeerIdentity {
  /// Nil: no TLS, no certificate, or one without a name. One hop to the event loop of the connection.
  package static func name(of channel: any Channel) async -> String? {
    let handshake = channel.pipeline.handler(type: NIOSSLServerHandler.self).map { $0.peerCertificate }
    guard let certificate = try? await handshake.get() else { return nil }
    return name(of: certificate)
  }

  static func name(of certificate: NIOSSLCertificate) -> String? {
    for name in certificate._subjectAlternativeNames() where name.nameType == .dnsName {
      return name.contents.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
    guard let bytes = try? certificate.toDERBytes() else { return nil }
    return commonName(bytes[...])
  }

  // MARK: X.509

  private enum Tag {
    static let sequence: UInt8 = 0x30
    static let set: UInt8 = 0x31
    static let version: UInt8 = 0xa0
    static let objectID: UInt8 = 0x06
  }

  /// 2.5.4.3
  private static let commonNameID: [UInt8] = [0x55, 0x04, 0x03]

  /// ```
  /// Certificate { TBSCertificate { [0] version?, serial, algorithm, issuer, validity, subject { {{ id, text }} … } … } … }
  /// ```
  static func commonName(_ certificate: ArraySlice<UInt8>) -> String? {
    var outer = certificate
    guard var whole = element(&outer, Tag.sequence), var fields = element(&whole, Tag.sequence) else { return nil }
    if fields.first == Tag.version { _ = element(&fields) }
    for _ in 0..<4 { guard element(&fields) != nil else { return nil } }
    guard var subject = element(&fields, Tag.sequence) else { return nil }
    var found: String?
    // The last one is the most specific.
    while var names = element(&subject, Tag.set) {
      while var pair = element(&names, Tag.sequence) {
        guard let id = element(&pair, Tag.objectID), let text = element(&pair) else { return nil }
        if Array(id) == commonNameID { found = String(decoding: text, as: UTF8.self) }
      }
    }
    return found
  }

  /// Takes one element off the front and gives its content; nil when there is none, or one of another tag.
  private static func element(_ rest: inout ArraySlice<UInt8>, _ tag: UInt8? = nil) -> ArraySlice<UInt8>? {
    guard rest.count >= 2, let first = rest.first, tag == nil || first == tag else { return nil }
    var at = rest.startIndex + 1
    var length = Int(rest[at])
    at += 1
    if length >= 0x80 {
      let count = length & 0x7f
      guard count <= 4, rest.endIndex - at >= count else { return nil }
      length = rest[at..<at + count].reduce(0) { $0 << 8 | Int($1) }
      at += count
    }
    guard rest.endIndex - at >= length else { return nil }
    defer { rest = rest[(at + length)...] }
    return rest[at..<at + length]
  }
}
