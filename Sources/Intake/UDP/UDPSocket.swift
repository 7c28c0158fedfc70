import Glibc

/// A bound socket for datagrams.
///
/// `@unchecked Sendable`: the descriptor never changes; it is closed when the last owner is gone.
final class UDPSocket: @unchecked Sendable {
  struct Failure: Error, CustomStringConvertible {
    var call: String
    var code: Int32
    var description: String { "\(call): \(String(cString: strerror(code))) (errno: \(code))" }
  }

  let descriptor: Int32
  private(set) var port = 0
  /// Bytes the kernel keeps for packets that have not been read.
  private(set) var receiveBuffer = 0

  /// Asked for; the kernel gives what it allows (`net.core.rmem_max`).
  private static let wantedBuffer: Int32 = 16 << 20

  init(host: String, port: Int) throws(Failure) {
    var four = in_addr()
    var six = in6_addr()
    let isIPv6 = inet_pton(AF_INET6, host, &six) == 1
    guard isIPv6 || inet_pton(AF_INET, host, &four) == 1 else { throw Failure(call: "inet_pton", code: EINVAL) }
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, kind, 0)
    guard descriptor >= 0 else { throw Failure(call: "socket", code: errno) }
    set(SO_RXQ_OVFL, 1)
    // Past the limit where that is allowed, else up to it.
    if !set(SO_RCVBUFFORCE, Self.wantedBuffer) { set(SO_RCVBUF, Self.wantedBuffer) }
    if isIPv6 {
      // `::` takes IPv4 too; `::1` has none to take.
      var off: Int32 = 0
      setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, 4)
    }
    let bound: Int32
    if isIPv6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = in_port_t(UInt16(truncatingIfNeeded: port)).bigEndian
      address.sin6_addr = six
      bound = Self.bind(descriptor, address)
    } else {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(UInt16(truncatingIfNeeded: port)).bigEndian
      address.sin_addr = four
      bound = Self.bind(descriptor, address)
    }
    guard bound == 0 else {
      let code = errno
      // Not `deinit`: it does not run for what was never made.
      Glibc.close(descriptor)
      throw Failure(call: "bind", code: code)
    }
    readBack()
  }

  deinit { Glibc.close(descriptor) }

  private static func bind(_ descriptor: Int32, _ address: some Any) -> Int32 {
    withUnsafeBytes(of: address) { bytes in
      guard let start = bytes.baseAddress else { return -1 }
      return Glibc.bind(descriptor, start.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
  }

  @discardableResult
  private func set(_ option: Int32, _ value: Int32) -> Bool {
    var value = value
    return setsockopt(descriptor, SOL_SOCKET, option, &value, 4) == 0
  }

  private func readBack() {
    var size: Int32 = 0
    var length: socklen_t = 4
    getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, &length)
    receiveBuffer = Int(size)
    // The port lies at the same place in both kinds of address.
    var address = sockaddr_in6()
    length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    withUnsafeMutableBytes(of: &address) { bytes in
      guard let start = bytes.baseAddress else { return }
      getsockname(descriptor, start.assumingMemoryBound(to: sockaddr.self), &length)
    }
    port = Int(UInt16(bigEndian: address.sin6_port))
  }

  func send(_ bytes: [UInt8], to address: UnsafeRawPointer, _ length: socklen_t) {
    // An answer that does not fit the kernel's room is lost like any datagram.
    _ = sendto(
      descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL),
      address.assumingMemoryBound(to: sockaddr.self), length)
  }
}
