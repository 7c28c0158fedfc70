import Glibc

/// A file of secrets: read only when nobody else can read it, replaced whole.
package struct CredentialFile: Sendable {
  package let path: String

  package init(_ path: String) { self.path = path }

  /// What tells one state of the file from another; nil: there is none.
  package struct Stamp: Sendable, Equatable {
    var device: UInt
    var inode: UInt
    var size: Int
    var modified: [Int]
  }

  package var stamp: Stamp? {
    var status = stat()
    guard fstatat(AT_FDCWD, path, &status, 0) == 0 else { return nil }
    return Stamp(
      device: UInt(status.st_dev), inode: UInt(status.st_ino), size: Int(status.st_size),
      modified: [
        status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
        Int(status.st_mode),
      ])
  }

  /// Lines with their numbers, blank ones left out; none when there is no file. Throws when others can read it, or nobody.
  package func lines() throws(CredentialFault) -> [(number: Int, bytes: [UInt8])] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 && (errno == ENOENT || errno == ENOTDIR) { return [] }
    guard descriptor >= 0 else { throw CredentialFault("\(path): \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw CredentialFault("\(path): no plain file")
    }
    guard status.st_mode & 0o077 == 0 else {
      throw CredentialFault("\(path): others can read or change it; `chmod 600` it")
    }
    var content: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(descriptor, &piece, piece.count)
      guard count >= 0 else { throw CredentialFault("\(path): \(String(cString: strerror(errno)))") }
      if count == 0 { break }
      content += piece[..<count]
    }
    return content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
      .map { (number: $0.offset + 1, bytes: Array($0.element)) }
      .filter { $0.bytes.contains { $0 != 0x20 && $0 != 0x09 && $0 != 0x0d } }
  }

  /// Each line as `Line`; a fault names the number of its line.
  package func parse<Line>(
    _ make: ([UInt8]) throws(CredentialFault) -> Line
  ) throws(CredentialFault) -> [Line] {
    var parsed: [Line] = []
    for (number, bytes) in try lines() {
      do throws(CredentialFault) {
        parsed.append(try make(bytes))
      } catch {
        throw CredentialFault("\(path):\(number): \(error)")
      }
    }
    return parsed
  }

  /// All lines, each id once; a fault names the number of its line.
  package func entries<Line: CredentialLine>() throws(CredentialFault) -> [Line] {
    var known: Set<Line.ID> = []
    return try parse { bytes throws(CredentialFault) in
      let line = try Line(parsing: bytes)
      guard known.insert(line.id).inserted else { throw CredentialFault("`\(Line.idName)` is used twice") }
      return line
    }
  }

  /// Changes the file while nobody else does: `change` gets the lines, what it returns replaces them, by rename, mode 0600.
  /// The folder is made when it is missing.
  package func replace(
    _ change: ([[UInt8]]) throws(CredentialFault) -> [[UInt8]]
  ) throws(CredentialFault) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    try Self.makeFolder(folder)
    let lock = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else { throw Self.fault(folder) }
    defer { close(lock) }
    guard flock(lock, LOCK_EX) == 0 else { throw Self.fault(folder) }
    let changed = try change(try lines().map(\.bytes))
    let temporary = path + ".tmp"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.fault(temporary) }
    var status = stat()
    // Made by root for a daemon that is somebody else: that one has to read it.
    if geteuid() == 0, fstat(lock, &status) == 0 { _ = fchown(descriptor, status.st_uid, status.st_gid) }
    let content = changed.flatMap { $0 + [UInt8(ascii: "\n")] }
    var written = 0
    while written < content.count {
      let count = content[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      written += count
    }
    let isWhole = written == content.count && fsync(descriptor) == 0
    let number = errno
    close(descriptor)
    guard isWhole, rename(temporary, path) == 0 else {
      unlink(temporary)
      throw CredentialFault("\(path): \(String(cString: strerror(isWhole ? errno : number)))")
    }
    _ = fsync(lock)
  }

  /// With all above it.
  private static func makeFolder(_ path: String) throws(CredentialFault) {
    if path.isEmpty || mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { throw fault(path) }
    try makeFolder(String(path[..<slash]))
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw fault(path) }
  }

  private static func fault(_ path: String) -> CredentialFault {
    CredentialFault("\(path): \(String(cString: strerror(errno)))")
  }
}
