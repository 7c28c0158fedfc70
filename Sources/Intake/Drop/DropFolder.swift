import Glibc

/// `drop/{in,done,rejected}` and what is done there by name. All of it may block.
package struct DropFolder: Sendable {
  package struct Failure: Error, CustomStringConvertible {
    package var description: String
    var number: Int32

    init(_ operation: String, _ path: String, _ number: Int32 = errno) {
      self.number = number
      description = "\(operation) \(path): \(String(cString: strerror(number)))"
    }
  }

  package let path: String
  package var incoming: String { path + "/in" }
  package var done: String { path + "/done" }
  package var rejected: String { path + "/rejected" }

  package init(_ path: String) { self.path = path }

  package func make() throws(Failure) {
    for folder in [path, incoming, done, rejected] {
      if mkdir(folder, 0o700) != 0 && errno != EEXIST { throw Failure("create folder", folder) }
    }
    // Of a process that was killed.
    for name in Self.names(path) where name.hasPrefix(Self.unpackedPrefix) { unlink("\(path)/\(name)") }
  }

  // MARK: names

  static let databaseSuffixes = ["-wal", "-shm", "-journal"]
  private static let suffixes =
    ["~", ".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", ".meta.json", ".why.json"]
    + databaseSuffixes

  /// Names that are never taken: of files that are on their way, or belong to another.
  package static func ignores(_ name: String) -> Bool {
    name.isEmpty || name.hasPrefix(".") || suffixes.contains { name.hasSuffix($0) }
  }

  /// `name`, or with eight digits of the hash when that is in use. `part`: a file that may have the name already, from a
  /// try that a crash ended.
  func freeName(_ whole: String, in folder: String, hash: String, part: String? = nil) -> String {
    let name = Self.fitting(whole, hash)
    var there = stat()
    if lstat("\(folder)/\(name)", &there) != 0 { return name }
    var own = stat()
    if let part, lstat(part, &own) == 0, own.st_ino == there.st_ino, own.st_dev == there.st_dev { return name }
    return "\(name).\(hash.prefix(8))"
  }

  /// No name is longer than 255 bytes, also with what is put behind it: `.why.json.tmp` and eight digits.
  private static func fitting(_ name: String, _ hash: String) -> String {
    guard name.utf8.count > 230 else { return name }
    let suffix = name.lastIndex(of: ".").map { String(name[$0...]) }.flatMap { $0.utf8.count <= 16 ? $0 : nil } ?? ""
    var stem = name.dropLast(suffix.count)
    while stem.utf8.count > 200 { stem.removeLast() }
    return "\(stem).\(hash.prefix(8))\(suffix)"
  }

  static func sidecar(_ name: String) -> String { name + ".meta.json" }

  /// Of a file that was mended and moved back nothing is left in `rejected` but why it had been refused.
  func forgetReason(of name: String) {
    var there = stat()
    if lstat("\(rejected)/\(name)", &there) != 0 { unlink("\(rejected)/\(name).why.json") }
  }

  /// Where refused lines gather until their file is at its end.
  func part(_ hash: String) -> String { "\(rejected)/.\(hash).part" }

  // MARK: files

  package struct Entry: Sendable, Equatable {
    package var name: String
    package var stamp: Stamp

    package init(name: String, stamp: Stamp) {
      self.name = name
      self.stamp = stamp
    }
  }

  /// What tells one state of a file from another.
  package struct Stamp: Sendable, Equatable {
    package var device: UInt64 = 0
    package var inode: UInt64 = 0
    package var size: Int64 = 0
    /// Nanoseconds since 1970.
    package var modified: Int64 = 0

    package init() {}

    init(_ status: stat) {
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
      size = Int64(status.st_size)
      modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }
  }

  static let unpackedPrefix = ".unpack-"

  private static func names(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return names
  }

  /// Gives files whose names are no UTF-8 names that are: nothing here, nor any listing, could call them by theirs.
  private func mendNames() {
    guard let stream = opendir(incoming) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        let raw = Array(bytes.prefix { $0 != 0 })
        if String(validating: raw, as: UTF8.self) != nil { return }
        let name = String(decoding: raw, as: UTF8.self)
        var there = stat()
        if lstat("\(incoming)/\(name)", &there) == 0 { return }
        let old = Array("\(incoming)/".utf8) + raw + [0]
        old.withUnsafeBytes { path in
          guard let path = path.bindMemory(to: CChar.self).baseAddress else { return }
          _ = rename(path, "\(incoming)/\(name)")
        }
      }
    }
  }

  /// Plain files with names that are not ignored.
  func list() -> [Entry] {
    mendNames()
    var found: [Entry] = []
    for name in Self.names(incoming) where !Self.ignores(name) {
      var status = stat()
      guard lstat("\(incoming)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      found.append(Entry(name: name, stamp: Stamp(status)))
    }
    return found.sorted { ($0.stamp.modified, $0.name) < ($1.stamp.modified, $1.name) }
  }

  /// Content of a small file; nil: not there.
  static func read(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: limit)
    var filled = 0
    while filled < limit {
      let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress.map { $0 + filled }, limit - filled) }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { break }
      filled += count
    }
    return Array(bytes[..<filled])
  }

  /// Whole and on the disk under its name, or not there.
  static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
    let temporary = path + ".tmp"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Failure("create", temporary) }
    defer { close(file) }
    try append(bytes, to: file, temporary)
    if fsync(file) != 0 { throw Failure("sync", temporary) }
    try move(temporary, path)
  }

  static func append(_ bytes: [UInt8], to file: Int32, _ path: String) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress.map { $0 + done }, bytes.count - done) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Failure("write", path) }
      done += count
    }
  }

  static func move(_ from: String, _ to: String) throws(Failure) {
    if rename(from, to) != 0 { throw Failure("rename", from) }
  }

  static func sync(_ folder: String) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  // MARK: refused lines

  /// Cuts the part file to what is committed, and writes `text` behind that, on the disk. The new length.
  func hold(_ text: [UInt8], head: [UInt8], hash: String, after length: Int64) throws(Failure) -> Int64 {
    let path = part(hash)
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw Failure("create", path) }
    defer { close(file) }
    if ftruncate(file, off_t(length)) != 0 || lseek(file, 0, SEEK_END) < 0 { throw Failure("cut", path) }
    let bytes = length == 0 ? head + text : text
    try Self.append(bytes, to: file, path)
    if fsync(file) != 0 { throw Failure("sync", path) }
    if length == 0 { Self.sync(rejected) }
    return length + Int64(bytes.count)
  }

  // MARK: limits

  /// Removes what has lain in `done` and `rejected` for too long, then what is over `bytes`, the oldest of `done` first.
  func tidy(now: Int64, keepDone: Int64, keepRejected: Int64, bytes: Int64) {
    struct Old {
      var path: String
      var ended: Int64
      var size: Int64
    }
    var kept: [[Old]] = []
    var total: Int64 = 0
    for (folder, age) in [(done, keepDone), (rejected, keepRejected)] {
      var files: [Old] = []
      for name in Self.names(folder) {
        var status = stat()
        let path = "\(folder)/\(name)"
        if name.hasPrefix(".") { continue }
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
        // When it came here: the time of its content is the sender's.
        let ended = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
        if ended < now &- age {
          unlink(path)
          continue
        }
        files.append(Old(path: path, ended: ended, size: Int64(status.st_size)))
        total += Int64(status.st_size)
      }
      kept.append(files.sorted { $0.ended < $1.ended })
    }
    for file in kept.joined() {
      if total <= bytes { break }
      if unlink(file.path) == 0 { total -= file.size }
    }
  }
}
