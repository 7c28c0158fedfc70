package import Glibc

/// A failed call to the file system, with what was tried on what.
package struct FileError: Error, Sendable, CustomStringConvertible {
  package var operation: String
  package var path: String
  package var number: Int32

  package init(_ operation: String, _ path: String, _ number: Int32 = errno) {
    self.operation = operation
    self.path = path
    self.number = number
  }

  package var description: String { "\(operation) \(path): \(String(cString: strerror(number)))" }
  package var isFull: Bool { number == ENOSPC || number == EDQUOT }
  package var isMissing: Bool { number == ENOENT }
}

/// The few calls that Store needs, by path and without Foundation. All may block: never call them from a request.
package enum FileSystem {
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Names in a folder without `.` and `..`, sorted; empty when there is no such folder.
  package static func list(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Bytes of one file as its length says; 0 when it is not there.
  package static func length(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }

  /// Bytes that a file really takes on disk, as `du` counts.
  package static func allocated(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_blocks) * 512 : 0
  }

  /// Everything under `folder`, as `du` counts, but the folders named in `except` (paths).
  package static func allocatedBelow(_ folder: String, except: Set<String> = []) -> Int64 {
    var total: Int64 = 0
    for name in list(folder) {
      let path = folder + "/" + name
      if except.contains(path) { continue }
      total += isFolder(path) ? allocatedBelow(path, except: except) : allocated(path)
    }
    return total
  }

  /// Which file a name leads to.
  struct Place: Equatable {
    var device: UInt64
    var number: UInt64
  }

  static func place(_ path: String) -> Place? {
    var status = stat()
    return stat(path, &status) == 0 ? Place(device: UInt64(status.st_dev), number: UInt64(status.st_ino)) : nil
  }

  package static func createFolders(_ path: String, mode: mode_t = 0o750) throws(FileError) {
    if isFolder(path) { return }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try createFolders(String(path[..<slash]), mode: mode)
    }
    if mkdir(path, mode) != 0 && errno != EEXIST { throw FileError("create folder", path) }
    if !isFolder(path) { throw FileError("create folder", path, ENOTDIR) }
  }

  /// Makes renames, creations and removals in `folder` durable.
  package static func syncFolder(_ folder: String) throws(FileError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open", folder) }
    defer { close(descriptor) }
    if fsync(descriptor) != 0 { throw FileError("sync", folder) }
  }

  package static func syncFile(_ path: String) throws(FileError) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open", path) }
    defer { close(descriptor) }
    if fsync(descriptor) != 0 { throw FileError("sync", path) }
  }

  package static func move(_ from: String, _ to: String) throws(FileError) {
    if rename(from, to) != 0 { throw FileError("rename", from) }
  }

  /// No error when it is not there.
  package static func remove(_ path: String) throws(FileError) {
    if unlink(path) != 0 && errno != ENOENT { throw FileError("remove", path) }
  }

  /// A database with what SQLite may have laid beside it. The database goes first: a reader must never find it without its
  /// write-ahead log and take the rest for all.
  package static func removeDatabase(_ path: String) throws(FileError) {
    for suffix in ["", "-wal", "-shm", "-journal"] { try remove(path + suffix) }
  }

  package static func removeFolderIfEmpty(_ path: String) { rmdir(path) }

  package static func setMode(_ path: String, _ mode: mode_t) { chmod(path, mode) }

  package struct Space: Sendable {
    /// Bytes of the file system, and what is left of it for us.
    package var total: Int64
    package var free: Int64
  }

  package static func space(_ path: String) -> Space? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    let block = Int64(status.f_frsize)
    return Space(total: Int64(status.f_blocks) * block, free: Int64(status.f_bavail) * block)
  }

  /// A file whose blocks are really there.
  package static func allocate(_ path: String, bytes: Int) throws(FileError) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw FileError("create", path) }
    defer { close(descriptor) }
    let failure = posix_fallocate(descriptor, 0, off_t(bytes))
    if failure != 0 {
      unlink(path)
      throw FileError("allocate", path, failure)
    }
  }

  package static func read(_ path: String, limit: Int = 1 << 20) throws(FileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open", path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < limit {
      let got = Glibc.read(descriptor, &piece, min(piece.count, limit - bytes.count))
      if got < 0 { throw FileError("read", path) }
      if got == 0 { break }
      bytes.append(contentsOf: piece[..<got])
    }
    return bytes
  }

  /// Whole content under its name, or nothing: temporary name, fsync, rename, fsync of the folder.
  package static func writeDurably(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws(FileError) {
    let temporary = path + ".tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw FileError("create", temporary) }
    var written = 0
    while written < bytes.count {
      let got = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if got < 0 {
        let number = errno
        close(descriptor)
        unlink(temporary)
        throw FileError("write", temporary, number)
      }
      written += got
    }
    let synced = fsync(descriptor)
    let number = errno
    close(descriptor)
    if synced != 0 { throw FileError("sync", temporary, number) }
    try move(temporary, path)
    if let slash = path.lastIndex(of: "/") { try syncFolder(String(path[..<slash])) }
  }

  /// Nanoseconds since 1970. A clock that has run away stops in 2255: ages and windows are added to it.
  package static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return nanoseconds(seconds: Int64(time.tv_sec), Int64(time.tv_nsec))
  }

  static func nanoseconds(seconds: Int64, _ nanoseconds: Int64) -> Int64 {
    min(max(seconds, 0), 9_000_000_000) * 1_000_000_000 + nanoseconds
  }

  /// For who looks again until others are through; blocks.
  package static func pause(milliseconds: UInt32) { usleep(milliseconds * 1000) }

  package static func processID() -> Int32 { getpid() }
}

/// The lock of a data directory: held as long as the object lives, given back by the kernel when the process dies.
///
/// The folder itself is locked, which nobody can take away from under it; the file `lock`, which somebody may tidy up, tells
/// whose it is, and is locked for versions that know only of it.
package final class DirectoryLock: Sendable {
  private let descriptor: Int32
  private let folder: Int32

  private let path: String

  /// Whether the name still leads to the folder that is locked. False once it was removed, moved away or exchanged: then
  /// what lies at that name is somebody else's. The descriptor keeps its number from being given to another folder.
  package var isInPlace: Bool {
    var ours = stat()
    var named = stat()
    guard fstat(folder, &ours) == 0 else { return true }
    if stat(path, &named) != 0 { return errno != ENOENT && errno != ENOTDIR }
    return ours.st_dev == named.st_dev && ours.st_ino == named.st_ino
  }

  /// A name of the folder that is locked, whatever became of its other one. Only for this process.
  var pathOfOurs: String {
    let name = "/proc/self/fd/\(folder)"
    return FileSystem.isFolder(name) ? name : path
  }

  /// Nil when another process holds it.
  package init?(_ directory: DataDirectory) throws(FileError) {
    path = directory.path
    let folder = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw FileError("open", directory.path) }
    if flock(folder, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
      close(folder)
      return nil
    }
    let opened = open(directory.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard opened >= 0 else {
      let failure = FileError("open", directory.lock)
      close(folder)
      throw failure
    }
    if flock(opened, LOCK_EX | LOCK_NB) != 0 {
      close(opened)
      close(folder)
      return nil
    }
    self.folder = folder
    descriptor = opened
    let text = Array("\(getpid())\n".utf8)
    ftruncate(opened, 0)
    _ = text.withUnsafeBytes { pwrite(opened, $0.baseAddress, $0.count, 0) }
  }

  deinit {
    // A child of this process that has not come to its `exec` yet has the descriptor too, and would go on holding the lock.
    flock(descriptor, LOCK_UN)
    close(descriptor)
    flock(folder, LOCK_UN)
    close(folder)
  }
}
