import Glibc
import Synchronization

/// Tells what happens in one folder, by inotify; where the kernel has none, only the scans find files.
///
/// `@unchecked Sendable`: `wait` is called by one thread at a time, `wake` by anybody; descriptors are set once.
final class DropWatch: @unchecked Sendable {
  private let events: Int32
  private let bell: (read: Int32, write: Int32)
  private static let mask = UInt32(IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

  init(_ folder: String) {
    events = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
    if events >= 0 { inotify_add_watch(events, folder, Self.mask | UInt32(IN_ONLYDIR)) }
    var pipe: [Int32] = [-1, -1]
    Glibc.pipe(&pipe)
    for end in pipe {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    bell = (pipe[0], pipe[1])
  }

  deinit {
    for descriptor in [events, bell.read, bell.write] where descriptor >= 0 { close(descriptor) }
  }

  struct Report: Sendable {
    var events: [(name: String, event: DropPending.Event)] = []
    /// Some were lost: look at the folder.
    var isIncomplete = false
  }

  /// Blocks until something happens, `wake` is called, or the time is over.
  func wait(milliseconds: Int32) -> Report {
    var waits = [pollfd(fd: bell.read, events: Int16(POLLIN), revents: 0)]
    if events >= 0 { waits.append(pollfd(fd: events, events: Int16(POLLIN), revents: 0)) }
    poll(&waits, nfds_t(waits.count), milliseconds)
    var drained = [UInt8](repeating: 0, count: 64)
    while read(bell.read, &drained, drained.count) > 0 {}
    return events >= 0 ? readEvents() : Report()
  }

  func wake() {
    var byte: UInt8 = 1
    _ = write(bell.write, &byte, 1)
  }

  private func readEvents() -> Report {
    var report = Report()
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(events, &buffer, buffer.count)
      if count <= 0 { return report }
      buffer.withUnsafeBytes { bytes in
        var at = 0
        // wd, mask, cookie and len, four bytes each, then the name with zeros behind it.
        while at + 16 <= count {
          let mask = Int(bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self))
          let length = Int(bytes.loadUnaligned(fromByteOffset: at + 12, as: UInt32.self))
          let name = String(decoding: bytes[(at + 16)..<min(at + 16 + length, count)].prefix { $0 != 0 }, as: UTF8.self)
          at += 16 + length
          if mask & Int(IN_Q_OVERFLOW) != 0 { report.isIncomplete = true }
          if name.isEmpty || mask & Int(IN_ISDIR) != 0 { continue }
          let event: DropPending.Event =
            mask & Int(IN_MOVED_TO) != 0
            ? .moved : mask & Int(IN_DELETE | IN_MOVED_FROM) != 0 ? .gone : .changed
          report.events.append((name, event))
        }
      }
    }
  }
}

/// Whether somebody has a file open for writing.
enum DropWriter {
  /// The kernel gives a read lease only on a file that nobody has open for writing, whoever that is; what `/proc` shows
  /// is only of processes that we may look into, and out of date once it is read. The lease is given back at once: a
  /// writer that comes in between waits for microseconds. True only if the kernel says so: a file system without leases,
  /// or a file of another owner, leaves it to the quiet time.
  static func isOpen(_ path: String) -> Bool {
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return false }
    defer { close(file) }
    if fcntl(file, 1024, F_RDLCK) == 0 {
      _ = fcntl(file, 1024, F_UNLCK)
      return false
    }
    return errno == EAGAIN
  }
}
