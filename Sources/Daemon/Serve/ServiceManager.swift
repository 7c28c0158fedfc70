import Glibc

/// systemd's `sd_notify` protocol: one datagram to `$NOTIFY_SOCKET`; silent where there is none.
enum ServiceManager {
  /// What `Type=notify-reload` waits for: the time tells this reload from an earlier one. `READY=1` ends it.
  static func notifyReloading() {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    notify("RELOADING=1\nMONOTONIC_USEC=\(Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)")
  }

  static func notify(_ state: String) {
    guard let name = getenv("NOTIFY_SOCKET") else { return }
    var path = Array(String(cString: name).utf8)
    guard let first = path.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@") else { return }
    // An abstract socket: its name begins with NUL.
    if first == UInt8(ascii: "@") { path[0] = 0 }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { room -> Bool in
      guard path.count < room.count else { return false }
      room.copyBytes(from: path)
      return true
    }
    guard fits else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
    let bytes = Array(state.utf8)
    withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
      }
    }
  }
}
