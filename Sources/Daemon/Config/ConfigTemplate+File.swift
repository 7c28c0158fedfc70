import Glibc

extension ConfigTemplate {
  /// Creates the file and the folders above it; a file that is there already is never touched.
  package static func write(to path: String) throws(ValueFault) {
    var folder = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
      folder += part + "/"
      guard folder != "/", mkdir(folder, 0o755) != 0, errno != EEXIST else { continue }
      throw ValueFault("\(folder) cannot be made: \(String(cString: strerror(errno)))")
    }
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw ValueFault(String(cString: strerror(errno))) }
    defer { close(file) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let reason = String(cString: strerror(errno))
        unlink(path)
        throw ValueFault(reason)
      }
      rest = rest.dropFirst(count)
    }
  }
}
