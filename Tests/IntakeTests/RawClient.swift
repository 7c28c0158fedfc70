import Glibc
import Synchronization
import Testing

@testable import Intake

/// A TCP client that sends bytes, whatever they are, and waits for the other side to close.
final class RawClient: Sendable {
  private let descriptor: Int32
  // covers: what came so far.
  private let heard = Mutex<[UInt8]>([])

  init(port: Int) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(code == 0)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  /// Returns once these bytes have come.
  func hears(_ bytes: [UInt8]) async {
    while !heard.withLock({ $0.holds(bytes) }), await read() {}
  }

  /// Returns once the other side has closed.
  func end() async { while await read() {} }

  private func read() async -> Bool {
    let descriptor = descriptor
    let piece = await withCheckedContinuation { continuation in
      IntakeThread.start {
        var piece = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &piece, piece.count, 0)
        continuation.resume(returning: Array(piece.prefix(max(0, count))))
      }
    }
    heard.withLock { $0 += piece }
    return !piece.isEmpty
  }
}

extension [UInt8] {
  fileprivate func holds(_ bytes: [UInt8]) -> Bool {
    guard count >= bytes.count else { return false }
    return (0...(count - bytes.count)).contains { self[$0..<$0 + bytes.count].elementsEqual(bytes) }
  }
}
