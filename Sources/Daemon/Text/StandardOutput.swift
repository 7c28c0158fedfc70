import Glibc

/// Whole lines by `write(2)`: stdio would keep them back in a pipe.
package enum StandardOutput {
  package static func print(_ line: String) { write([UInt8]((line + "\n").utf8)) }

  package static func write(_ bytes: [UInt8]) {
    var at = 0
    while at < bytes.count {
      let got = bytes[at...].withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
      if got <= 0 { return }
      at += got
    }
  }
}
