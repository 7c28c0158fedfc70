import Glibc
import Telemetry

/// Where a packet came from.
struct UDPAddress: Sendable, Hashable {
  /// As IPv6, in the order of the wire; IPv4 lies in ::ffff:0:0/96.
  var high: UInt64
  var low: UInt64

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  init(ipv4: UInt32) { self.init(high: 0, low: 0xffff_0000_0000 | UInt64(ipv4)) }

  /// Nil: no address of the internet.
  init?(_ address: UnsafeRawPointer) {
    switch Int32(address.loadUnaligned(as: sa_family_t.self)) {
    case AF_INET:
      self.init(ipv4: UInt32(bigEndian: address.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
    case AF_INET6:
      self.init(
        high: UInt64(bigEndian: address.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
        low: UInt64(bigEndian: address.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
    default: return nil
    }
  }

  /// `203.0.113.7` or `2001:db8::7`.
  init?(_ text: String) {
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      self.init(ipv4: UInt32(bigEndian: four.s_addr))
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      let words = withUnsafeBytes(of: six) {
        (
          UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
          UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        )
      }
      self.init(high: words.0, low: words.1)
    } else {
      return nil
    }
  }

  var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }

  var isLoopback: Bool { isIPv4 ? low >> 24 & 0xff == 127 : high == 0 && low == 1 }

  /// For keyed hashes: one text for one address.
  var text: String {
    isIPv4
      ? "\(low >> 24 & 255).\(low >> 16 & 255).\(low >> 8 & 255).\(low & 255)"
      : String(high, radix: 16) + ":" + String(low, radix: 16)
  }
}

/// A block of addresses, `10.0.0.0/8` or `fd00::/8`; an address alone is a block of one.
package struct UDPNetwork: Sendable, Equatable {
  private let high: UInt64
  private let low: UInt64
  private let highMask: UInt64
  private let lowMask: UInt64

  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = UDPAddress(String(first)) else { return nil }
    let width = address.isIPv4 ? 32 : 128
    var length = width
    if parts.count == 2 {
      guard let number = Int(parts[1]), (0...width).contains(number) else { return nil }
      length = number
    }
    let bits = length + 128 - width
    highMask = bits >= 64 ? .max : bits == 0 ? 0 : ~(.max >> UInt64(bits))
    lowMask = bits <= 64 ? 0 : bits == 128 ? .max : ~(.max >> UInt64(bits - 64))
    high = address.high & highMask
    low = address.low & lowMask
  }

  func contains(_ address: UDPAddress) -> Bool {
    address.high & highMask == high && address.low & lowMask == low
  }
}
