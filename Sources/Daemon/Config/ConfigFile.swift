import Glibc

/// Bytes of a configuration file.
package enum ConfigFile {
  package enum Reading: Sendable {
    case text([UInt8])
    case missing
    case failed(String)
  }

  /// A configuration is written by hand; what is longer is not one.
  private static let limitBytes = 1 << 20

  package static func read(_ path: String) -> Reading {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      let code = errno
      return code == ENOENT || code == ENOTDIR ? .missing : .failed(String(cString: strerror(code)))
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = Glibc.read(file, &part, part.count)
      if count == 0 { return .text(bytes) }
      if count < 0 {
        if errno == EINTR { continue }
        return .failed(String(cString: strerror(errno)))
      }
      bytes += part[..<count]
      if bytes.count > limitBytes { return .failed("over 1 MiB is no configuration") }
    }
  }
}
