import Glibc

/// What a file that somebody named for an export is.
package enum OutputPlace: Equatable, Sendable {
  /// Gets its content under this name, which may be there already, when all of it is on disk.
  case file(String)
  /// A pipe, a terminal or another device: written to as it is.
  case stream(String)

  /// A symbolic link stays, and what it leads to is written.
  package init(_ path: String) throws(FileError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      let number = errno
      var link = stat()
      guard number == ENOENT, lstat(path, &link) != 0 else { throw FileError("create", path, number) }
      self = .file(path)
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      guard let real = realpath(path, nil) else { throw FileError("create", path) }
      defer { free(real) }
      self = .file(String(cString: real))
    case S_IFDIR: throw FileError("create", path, EISDIR)
    default: self = .stream(path)
    }
  }
}
