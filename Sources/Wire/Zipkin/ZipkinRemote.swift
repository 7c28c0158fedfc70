/// Whom a client or producer spoke to, by the ranking of the OpenTelemetry text (CONFORMANCE ZIP-06).
struct ZipkinRemote {
  typealias Bytes = UnsafeRawBufferPointer

  private let isWanted: Bool
  private var rank = Int.max
  private var value = Bytes(start: nil, count: 0)
  /// By the rank of the address that they belong to.
  private var ports: (network: Bytes, server: Bytes, socket: Bytes) = (
    Bytes(start: nil, count: 0), Bytes(start: nil, count: 0), Bytes(start: nil, count: 0)
  )

  private static let networkRank = 4
  private static let serverRank = 6
  private static let socketRank = 8
  private static let addressRank = 10

  init(isWanted: Bool) { self.isWanted = isWanted }

  /// Whether the attribute is said by the endpoint and needs no tag.
  mutating func takes(_ member: StoredAttributes.Member) -> Bool {
    guard isWanted else { return false }
    let key = member.key
    guard let place = Self.place(key) else {
      switch key.count {
      case 17: if key.spells("network.peer.port") { ports.network = member.value }
      case 18:
        if key.spells("server.socket.port") { ports.server = member.value }
        if key.spells("net.sock.peer.port") { ports.socket = member.value }
      default: break
      }
      return false
    }
    if member.value.spells("\"\"") || member.value.spells("null") { return false }
    if place < rank {
      rank = place
      value = member.value
    }
    return place == 0
  }

  private static func place(_ key: Bytes) -> Int? {
    switch key.count {
    case 7: key.spells("db.name") ? 11 : nil
    case 12: key.spells("peer.service") ? 0 : key.spells("peer.address") ? addressRank : nil
    case 13: key.spells("net.peer.name") ? 3 : key.spells("peer.hostname") ? 9 : nil
    case 14: key.spells("server.address") ? 2 : nil
    case 17: key.spells("service.peer.name") ? 1 : nil
    case 18: key.spells("net.sock.peer.name") ? 7 : key.spells("net.sock.peer.addr") ? socketRank : nil
    case 20: key.spells("network.peer.address") ? networkRank : key.spells("server.socket.domain") ? 5 : nil
    case 21: key.spells("server.socket.address") ? serverRank : nil
    default: nil
    }
  }

  func write(_ out: inout Arena, _ scratch: inout Arena) throws(JSONFault) {
    guard rank != Int.max else { return }
    out.append(",\"remoteEndpoint\":{")
    let isAddress =
      rank == Self.networkRank || rank == Self.serverRank || rank == Self.socketRank || rank == Self.addressRank
    let start = scratch.count
    try scratch.appendText(value)
    let text = scratch.bytes(start, scratch.count - start)
    if isAddress && Self.isIPv4(text) {
      out.append("\"ipv4\":")
    } else if isAddress && Self.isIPv6(text) {
      out.append("\"ipv6\":")
    } else {
      out.append("\"serviceName\":")
    }
    out.appendJSONString(text)
    scratch.truncate(to: start)
    switch rank {
    case Self.networkRank: port(ports.network, &out)
    case Self.serverRank: port(ports.server, &out)
    case Self.socketRank: port(ports.socket, &out)
    default: break
    }
    out.append("}")
  }

  /// 0 is none.
  private func port(_ value: Bytes, _ out: inout Arena) {
    let text = value.first == UInt8(ascii: "\"") ? Bytes(rebasing: value.dropFirst().dropLast()) : value
    guard let port = UInt16(String(decoding: text, as: UTF8.self)), port > 0 else { return }
    out.append(",\"port\":")
    out.appendInteger(UInt64(port))
  }

  static func isIPv4(_ text: Bytes) -> Bool {
    var parts = 1
    var number = 0
    var digits = 0
    for byte in text {
      if byte == UInt8(ascii: ".") {
        guard digits > 0 else { return false }
        parts += 1
        number = 0
        digits = 0
      } else {
        guard byte &- 0x30 < 10, digits < 3 else { return false }
        number = number * 10 + Int(byte &- 0x30)
        digits += 1
        guard number < 256 else { return false }
      }
    }
    return parts == 4 && digits > 0
  }

  static func isIPv6(_ text: Bytes) -> Bool {
    var colons = 0
    for byte in text {
      if byte == UInt8(ascii: ":") {
        colons += 1
      } else {
        guard JSONHex.value(byte) < 16 || byte == UInt8(ascii: ".") else { return false }
      }
    }
    return colons >= 2 && colons <= 8
  }
}
