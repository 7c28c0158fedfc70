import Glibc

/// Makes one plain database of a damaged one and its write-ahead log: for each page the last version that can be trusted.
///
/// A page whose last version is noise falls back to the one before. Rows are only ever added, so that what an older page says
/// is true, and what it does not say yet is found missing when it is counted against the books beside it.
struct LogRepair {
  private let log: WriteAheadLog

  init(_ log: WriteAheadLog) { self.log = log }

  /// What is known of one frame; `isTrusted` false: its page is noise.
  struct Frame {
    var page: UInt32
    var commitPages: UInt32
    var isTrusted: Bool
  }

  /// Writes `target` anew from the database at `path` and the log beside it; there may be none.
  ///
  /// `reference`: a plain database that was made like this one and has no rows. Tables are described once, at the beginning of
  /// the log; without that page nothing else could be found.
  static func write(_ path: String, to target: String, reference: String? = nil) throws(FileError) {
    let log = WriteAheadLog(path + "-wal")
    let isInLog = log.map { FileSystem.length(path) <= $0.header.pageSize } ?? false
    try FileSystem.copyFile(isInLog ? reference ?? path : path, to: target)
    let descriptor = open(target, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("open", target) }
    defer { close(descriptor) }
    if let log { try LogRepair(log).lay(into: descriptor, target) }
    // "Not in WAL mode": else SQLite would look for a log beside this one. "As many pages as the file is long."
    var versions: [UInt8] = [0, 0]
    guard pread(descriptor, &versions, 2, 18) == 2, versions == [2, 2] || versions == [1, 1] else { return }
    if pwrite(descriptor, [1, 1], 2, 18) != 2 || pwrite(descriptor, [0, 0, 0, 0], 4, 28) != 4 {
      throw FileError("write", target)
    }
  }

  private func lay(into descriptor: Int32, _ target: String) throws(FileError) {
    let size = log.header.pageSize
    let frames = examine()
    var last: [UInt32: Int] = [:]
    var pages = 0
    for (index, frame) in frames.enumerated() {
      guard frame.isTrusted, frame.page > 0 else { continue }
      last[frame.page] = index
      pages = max(pages, Int(frame.page), Int(frame.commitPages))
    }
    // A page of which no version is left reads as zeros, which SQLite calls corrupt instead of empty.
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError("status of", target) }
    if Int(status.st_size) < pages * size && ftruncate(descriptor, off_t(pages * size)) != 0 {
      throw FileError("write", target)
    }
    for (page, index) in last {
      let bytes = log.pageBytes(index)
      if pwrite(descriptor, bytes.baseAddress, size, off_t((Int(page) - 1) * size)) != size {
        throw FileError("write", target)
      }
    }
  }

  /// All frames up to the last one that belonged to a commit.
  func examine() -> [Frame] {
    let count = log.frameCount
    var frames: [Frame] = []
    var state = log.header.sums
    var isStateKnown = log.isHeaderSound
    for index in 0..<count {
      let written = log.sums(index)
      let made = log.sums(state, after: index)
      let isFitting = made == written
      // Behind the last frame of this log only what still fits belongs to it.
      if !log.hasSalts(index) && !isFitting && !belongs(index) { break }
      var frame = Frame(page: log.page(index), commitPages: log.commitPages(index), isTrusted: isFitting)
      // What the next frame says of the sums behind this one; right when that frame is.
      let next = !isFitting && index + 1 < count ? log.sums(before: index + 1) : nil
      if isFitting {
        state = written
      } else if made == next {
        // Only the sums themselves were hit.
        frame.isTrusted = true
        state = made
      } else if !isStateKnown {
        // Behind a header of noise: the first frame of a log is the first page.
        frame.isTrusted = next == written && frame.page == 1
        state = written
      } else {
        let isMended = mend(&frame, index, before: state, after: written)
        if !isMended, let next { mend(&frame, index, before: state, after: next) }
        // Noise comes in one piece: where it spared the salts it spared the sums beside them.
        state = log.hasSalts(index) ? written : next ?? written
      }
      isStateKnown = true
      frames.append(frame)
    }
    return committed(frames)
  }

  /// A frame of noise belongs to this log when frames of this log lie behind it.
  private func belongs(_ index: Int) -> Bool {
    var next = index + 1
    while next < log.frameCount {
      if log.hasSalts(next) { return true }
      next += 1
    }
    return false
  }

  /// Cuts off what a crash left of a transaction. Noise at the very end may have been its commit: then nothing is cut.
  private func committed(_ frames: [Frame]) -> [Frame] {
    let end = frames.count
    if end < log.frameCount && log.isNoise(end) { return frames }
    guard let last = frames.lastIndex(where: { $0.commitPages != 0 }) else { return [] }
    return Array(frames[...last])
  }

  /// The page is sound when the sums on both sides of it lead to a number of a page that can be.
  @discardableResult
  private func mend(_ frame: inout Frame, _ index: Int, before: LogSums, after: LogSums) -> Bool {
    var sums = after
    sums.takeBack(log.pageBytes(index), log.header.isBigEndian)
    let (page, commitPages) = sums.words(since: before, log.header.isBigEndian)
    let most = UInt32(clamping: log.frameCount + Int(log.header.checkpoints > 0 ? 1 << 20 : 1024))
    guard page > 0 && page <= most && commitPages <= most else { return false }
    frame = Frame(page: page, commitPages: commitPages, isTrusted: true)
    return true
  }
}

extension FileSystem {
  /// Writes `to` anew with the bytes of `from`; empty when that is not there.
  static func copyFile(_ from: String, to: String) throws(FileError) {
    let target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard target >= 0 else { throw FileError("create", to) }
    defer { close(target) }
    guard let source = MappedFile(from) else { return }
    var written = 0
    while written < source.bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: source.bytes[written...])
      let count = Glibc.write(target, rest.baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw FileError("write", to) }
      written += count
    }
  }

  /// A second name of the file, or a copy where the file system has none. No error when it is not there.
  static func keep(_ path: String, as name: String) throws(FileError) {
    guard exists(path) else { return }
    if link(path, name) == 0 || errno == EEXIST { return }
    try copyFile(path, to: name)
    try syncFile(name)
  }
}
