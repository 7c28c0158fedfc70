import Crypto
import Glibc
import Wire

/// One file of the folder that is being taken: opened once, so that what is read, hashed and moved away is the same.
///
/// `@unchecked Sendable`: the descriptor never changes; it is closed with the object.
final class DropFile: @unchecked Sendable {
  let name: String
  let path: String
  let descriptor: Int32
  let stamp: DropFolder.Stamp
  /// SHA-256, 64 hexadecimal digits.
  let hash: [UInt8]
  let hex: String
  private let stopping: DropStop

  /// Nil: it is gone, or no plain file, or cannot be read.
  init?(_ name: String, in folder: DropFolder, stopping: DropStop) {
    self.stopping = stopping
    self.name = name
    path = "\(folder.incoming)/\(name)"
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(file)
      return nil
    }
    posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL)
    let stamp = DropFolder.Stamp(status)
    guard let hash = DropHash.hash(file, length: stamp.size, stopping: stopping) else {
      close(file)
      return nil
    }
    descriptor = file
    self.stamp = stamp
    self.hash = hash
    hex = Hexadecimal.text(hash)
  }

  deinit { close(descriptor) }

  /// Whether what lies under the name is still what was opened, and unchanged.
  enum Presence { case same, changed, replaced }

  var presence: Presence {
    var status = stat()
    guard lstat(path, &status) == 0, DropFolder.Stamp(status).inode == stamp.inode,
      DropFolder.Stamp(status).device == stamp.device
    else { return .replaced }
    return DropFolder.Stamp(status) == stamp ? .same : .changed
  }

  /// `-wal` of a database, with something in it.
  var hasWAL: Bool {
    var status = stat()
    return stat(path + "-wal", &status) == 0 && status.st_size > 0
  }

  /// Its content without compression as a file, for readers that need one; its name is to be removed at once. Nil: the
  /// content breaks off, or there is no room for it.
  func unpacked(beside folder: DropFolder) -> String? {
    let content = DropContent(descriptor, length: stamp.size, stopping: stopping)
    var template = Array("\(folder.path)/\(DropFolder.unpackedPrefix)XXXXXX".utf8CString)
    let target = mkstemp(&template)
    guard target >= 0 else { return nil }
    defer { close(target) }
    _ = fcntl(target, F_SETFD, FD_CLOEXEC)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var room = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = try? content.fill(&room, 0, room.count)
      if count == 0 { return path }
      guard let count, (try? DropFolder.append(Array(room[..<count]), to: target, path)) != nil else {
        unlink(path)
        return nil
      }
    }
  }
}
