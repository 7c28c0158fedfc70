import Glibc
import NIOSSL

extension TransportOptions.TLS {
  /// What is wrong with the files, each with its key; reads them.
  package var faults: [String] {
    var faults: [String] = []
    if !keyFile.isEmpty && certFile.isEmpty { faults.append("`tls.key_file` needs `tls.cert_file`") }
    for (key, path) in [("tls.ca_file", caFile), ("tls.cert_file", certFile)] where !path.isEmpty {
      if let fault = Self.unreadable(path) {
        faults.append("`\(key)`: \(fault)")
      } else if (try? NIOSSLCertificate.fromPEMFile(path))?.isEmpty ?? true {
        faults.append("`\(key)`: \(path) holds no certificate in PEM")
      }
    }
    if !certFile.isEmpty {
      let path = keyFile.isEmpty ? certFile : keyFile
      if let fault = keyFile.isEmpty ? nil : Self.unreadable(path) {
        faults.append("`tls.key_file`: \(fault)")
      } else if faults.isEmpty && (try? NIOSSLPrivateKey(file: path, format: .pem)) == nil {
        faults.append("`tls.key_file`: \(path) holds no private key in PEM")
      }
    }
    guard faults.isEmpty else { return faults }
    do {
      _ = try NIOSSLContext(configuration: TLSOptions.configuration(self))
    } catch {
      faults.append(
        certFile.isEmpty
          ? "`tls`: \(error)" : "`tls.cert_file` and `tls.key_file` do not belong together: \(error)")
    }
    return faults
  }

  private static func unreadable(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "\(path): \(String(cString: strerror(errno)))" }
    close(descriptor)
    return nil
  }
}
