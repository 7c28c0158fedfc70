import Glibc

/// Whole lines by `write(2)`: stdio would keep them back in a pipe.
package enum StandardOutput {
  package static func print(_ line: String) { write([UInt8]((line + "\n").utf8)) }

  /// On standard error.
  package static func printError(_ line: String) { write([UInt8]((line + "\n").utf8), to: 2) }

  package static func write(_ bytes: [UInt8], to descriptor: Int32 = 1) {
    var at = 0
    while at < bytes.count {
      let got = bytes[at...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if got <= 0 { return }
      at += got
    }
  }
}
