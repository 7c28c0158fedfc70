import Glibc

/// Room for the packets of one system call.
struct UDPReader: ~Copyable {
  static let packetsPerCall = 64
  /// More than the longest packet, so that a longer one is seen to be.
  private static let packetBytes = 8_448
  private static let addressBytes = 128
  private static let controlBytes = 64

  /// `struct mmsghdr`; like `recvmmsg` it is no part of what Swift sees of the C library, because it is of GNU.
  private struct Message {
    var header = msghdr()
    var length: UInt32 = 0
  }

  private typealias Receive =
    @convention(c) (Int32, UnsafeMutableRawPointer, UInt32, Int32, UnsafeMutableRawPointer?) -> Int32

  private let receive: Receive?
  private let packets: UnsafeMutableRawPointer
  private let addresses: UnsafeMutableRawPointer
  private let controls: UnsafeMutableRawPointer
  private let pieces: UnsafeMutablePointer<iovec>
  private let messages: UnsafeMutablePointer<Message>

  init() {
    let count = Self.packetsPerCall
    // The name is looked up in the C library that is linked anyway.
    receive = dlsym(nil, "recvmmsg").map { unsafeBitCast($0, to: Receive.self) }
    packets = .allocate(byteCount: count * Self.packetBytes, alignment: 64)
    addresses = .allocate(byteCount: count * Self.addressBytes, alignment: 16)
    controls = .allocate(byteCount: count * Self.controlBytes, alignment: 16)
    pieces = .allocate(capacity: count)
    messages = .allocate(capacity: count)
    messages.initialize(repeating: Message(), count: count)
    for index in 0..<count {
      (pieces + index).initialize(
        to: iovec(iov_base: packets + index * Self.packetBytes, iov_len: Self.packetBytes))
    }
  }

  deinit {
    packets.deallocate()
    addresses.deallocate()
    controls.deallocate()
    pieces.deallocate()
    messages.deallocate()
  }

  struct Packet {
    var bytes: UnsafeRawBufferPointer
    var address: UnsafeRawPointer
    var addressLength: socklen_t
    /// Packets the kernel has dropped on this socket so far; nil: it did not say.
    var dropped: UInt32?
  }

  /// How many packets there were; 0 when none waits. Never blocks.
  func read(_ socket: UDPSocket) -> Int {
    for index in 0..<Self.packetsPerCall { prepare(index) }
    let flags = Int32(MSG_DONTWAIT)
    if let receive { return Int(max(0, receive(socket.descriptor, messages, UInt32(Self.packetsPerCall), flags, nil))) }
    let length = recvmsg(socket.descriptor, &messages.pointee.header, flags)
    messages.pointee.length = UInt32(max(0, length))
    return length < 0 ? 0 : 1
  }

  private func prepare(_ index: Int) {
    messages[index].header.msg_name = addresses + index * Self.addressBytes
    messages[index].header.msg_namelen = socklen_t(Self.addressBytes)
    messages[index].header.msg_iov = pieces + index
    messages[index].header.msg_iovlen = 1
    messages[index].header.msg_control = controls + index * Self.controlBytes
    messages[index].header.msg_controllen = Self.controlBytes
    messages[index].header.msg_flags = 0
  }

  /// Packet `index` of the last `read`; valid until the next.
  func packet(_ index: Int) -> Packet {
    let message = messages[index]
    return Packet(
      bytes: UnsafeRawBufferPointer(start: packets + index * Self.packetBytes, count: Int(message.length)),
      address: UnsafeRawPointer(addresses + index * Self.addressBytes), addressLength: message.header.msg_namelen,
      dropped: dropped(message.header))
  }

  /// The first control message, if it is the count of drops: length, level and kind, then the number.
  private func dropped(_ header: msghdr) -> UInt32? {
    guard let control = header.msg_control, header.msg_controllen >= 20 else { return nil }
    guard control.load(fromByteOffset: 8, as: Int32.self) == SOL_SOCKET,
      control.load(fromByteOffset: 12, as: Int32.self) == SO_RXQ_OVFL
    else { return nil }
    return control.load(fromByteOffset: 16, as: UInt32.self)
  }
}
