import Glibc

/// What the text of a host says by itself: no name is looked up, for what it resolves to may change.
package struct HostName: Sendable, Equatable {
  /// Four or sixteen bytes in the order of the network; nil: a name.
  private let numbers: [UInt8]?
  private let name: String

  /// `text`: without brackets. Numbers in all forms that resolvers take: `127.1`, `0x7f000001`, `::ffff:127.0.0.1`.
  package init(_ text: String) {
    let lower = text.lowercased()
    name = lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    numbers = Self.numbers(lower)
  }

  private static func numbers(_ text: String) -> [UInt8]? {
    // Both read up to something that ends a text of C.
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
    var four = in_addr()
    if inet_aton(text, &four) != 0 { return withUnsafeBytes(of: four) { Array($0) } }
    // A zone (`fe80::1%eth0`) is the resolver's business.
    let bare = text.prefix { $0 != "%" }
    var six = in6_addr()
    guard inet_pton(AF_INET6, String(bare), &six) == 1 else { return nil }
    let bytes = withUnsafeBytes(of: six) { Array($0) }
    let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
    return isMapped ? Array(bytes[12...]) : bytes
  }

  /// Nobody but this machine is meant: 127.0.0.0/8, ::1 or `localhost`.
  package var isLoopback: Bool {
    guard let numbers else { return name == "localhost" }
    return numbers.count == 4 ? numbers[0] == 127 : numbers.dropLast().allSatisfy { $0 == 0 } && numbers[15] == 1
  }

  /// 0.0.0.0 or ::, all addresses to who listens, this machine to who connects.
  package var isUnspecified: Bool { numbers?.allSatisfy { $0 == 0 } ?? false }
}
