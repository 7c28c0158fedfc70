import Glibc
import Telemetry
import Wire

/// One growing file of lines and its closed predecessors: `traces.jsonl`, `traces-20270306T190000Z-0001.jsonl.gz`.
///
/// A closed file stays as it is for a while: should the position of the time before be the one on disk, it becomes the
/// growing one again and is cut back.
struct RotatingFile {
  let name: String
  private let folder: String
  private let options: FileCourier.Options
  private let now: @Sendable () -> Int64
  private var descriptor: Int32
  private(set) var length: Int64
  /// How many have been closed.
  private(set) var generation: Int64
  /// When the first line of the growing one was written, nanoseconds since 1970.
  private(set) var openedAt: Int64
  /// Files closed by this process, and when: until their position is surely on disk they may have to be opened again.
  private var closedAt: [Int64: Int64] = [:]

  /// The position is on disk a quarter of a second after, if the disk takes it.
  private static let settleTime: Int64 = 60_000_000_000

  init(
    _ folder: String, _ name: String, _ kept: [String: Int64], _ options: FileCourier.Options,
    _ now: @escaping @Sendable () -> Int64
  ) throws(FileFault) {
    self.folder = folder
    self.name = name
    self.options = options
    self.now = now
    // Its age is that of the file, not of the process that goes on with it.
    openedAt = kept[name + ".opened"] ?? now()
    length = kept[name] ?? 0
    let newest = Self.closed(folder, name).map(\.generation).max() ?? 0
    generation = kept[name + ".generation"] ?? newest
    let path = "\(folder)/\(name).jsonl"
    // Closed, but their position was never written: all but the first have only lines that go out again.
    let later = Self.closed(folder, name).filter { [generation] in $0.generation > generation && $0.isPlain }
      .sorted { $0.generation > $1.generation }
    for file in later {
      let closed = "\(folder)/\(file.file)"
      if file.generation == generation + 1 {
        guard rename(closed, path) == 0 else { throw FileFault("rename", file.file) }
      } else {
        guard unlink(closed) == 0 else { throw FileFault("remove", file.file) }
      }
    }
    descriptor = try Self.opened(path)
    var status = stat()
    fstat(descriptor, &status)
    if kept.isEmpty { length = Int64(status.st_size) }
    // Longer: lines that go out again. Shorter, or no line ends there: it is not the file that was written to, and what
    // it has stays.
    if Int64(status.st_size) > length && Self.endsLine(path, length) {
      guard ftruncate(descriptor, off_t(length)) == 0 else { throw FileFault("cut", path) }
    } else {
      length = Int64(status.st_size)
    }
    Self.syncFolder(folder)
  }

  private var path: String { "\(folder)/\(name).jsonl" }

  /// With the one above it: what is delayed and replays lie inside of the destination's folder.
  static func make(_ folder: String) throws(FileFault) {
    if mkdir(folder, 0o750) == 0 || errno == EEXIST { return }
    if errno == ENOENT, let slash = folder.lastIndex(of: "/"), slash != folder.startIndex,
      mkdir(String(folder[..<slash]), 0o750) == 0 || errno == EEXIST, mkdir(folder, 0o750) == 0 || errno == EEXIST
    {
      return
    }
    throw FileFault("make", folder)
  }

  private static func opened(_ path: String) throws(FileFault) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw FileFault("open", path) }
    return descriptor
  }

  /// Whether a line ends in front of the byte at `length`.
  private static func endsLine(_ path: String, _ length: Int64) -> Bool {
    if length == 0 { return true }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { Glibc.close(descriptor) }
    var byte: UInt8 = 0
    return pread(descriptor, &byte, 1, off_t(length - 1)) == 1 && byte == 0x0a
  }

  /// Somebody may have moved the file away, removed it with its folder, or shortened it: lines go where its name leads,
  /// behind what is there.
  private mutating func findAgain() throws(FileFault) {
    var named = stat()
    var held = stat()
    guard fstat(descriptor, &held) == 0 else { throw FileFault("look at", path) }
    if stat(path, &named) == 0, named.st_dev == held.st_dev, named.st_ino == held.st_ino {
      length = Int64(held.st_size)
      return
    }
    try Self.make(folder)
    let next = try Self.opened(path)
    Glibc.close(descriptor)
    descriptor = next
    guard fstat(descriptor, &held) == 0 else { throw FileFault("look at", path) }
    length = Int64(held.st_size)
    openedAt = now()
    Self.syncFolder(folder)
  }

  /// On disk when it returns; nothing of it is there when it throws.
  mutating func append(_ line: [UInt8]) throws(FileFault) {
    try findAgain()
    if length > 0 && (length + Int64(line.count) > options.rotateBytes || now() - openedAt > options.rotateAfter) {
      try rotate()
    }
    if length == 0 { openedAt = now() }
    var written = 0
    while written < line.count {
      let got = line[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if got < 0 && errno == EINTR { continue }
      if got <= 0 {
        let fault = FileFault("write", path)
        takeBack()
        throw fault
      }
      written += got
    }
    guard fsync(descriptor) == 0 else {
      let fault = FileFault("write", path)
      takeBack()
      throw fault
    }
    length += Int64(line.count)
  }

  private func takeBack() {
    ftruncate(descriptor, off_t(length))
  }

  private mutating func rotate() throws(FileFault) {
    let closed = "\(folder)/\(name)-\(Self.stamp(now()))-\(Self.padded(generation + 1, 4)).jsonl"
    guard rename(path, closed) == 0 else { throw FileFault("rename", path) }
    let next = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o640)
    guard next >= 0 else {
      let fault = FileFault("open", path)
      rename(closed, path)
      throw fault
    }
    Glibc.close(descriptor)
    descriptor = next
    length = 0
    openedAt = now()
    generation += 1
    closedAt[generation] = now()
    Self.syncFolder(folder)
    tidy()
  }

  /// A file is found again only when its name is on disk too.
  private static func syncFolder(_ folder: String) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    Glibc.close(descriptor)
  }

  /// Compresses closed files and removes those that are too many, once they will not be opened again. What fails is
  /// tried again the next time.
  private mutating func tidy() {
    let moment = now()
    closedAt = closedAt.filter { moment - $0.value < Self.settleTime }
    let files = Self.closed(folder, name).sorted { $0.generation < $1.generation }
    var done: [Closed] = []
    for file in files where closedAt[file.generation] == nil && file.generation < generation { done.append(file) }
    for file in done.prefix(max(0, files.count - options.keep)) { unlink("\(folder)/\(file.file)") }
    guard options.gzip else { return }
    for file in done.dropFirst(max(0, files.count - options.keep)) where file.isPlain {
      Self.compress("\(folder)/\(file.file)")
    }
  }

  mutating func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  // MARK: closed files

  private struct Closed {
    var file: String
    var generation: Int64
    var isPlain: Bool
  }

  private static func closed(_ folder: String, _ name: String) -> [Closed] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var found: [Closed] = []
    while let entry = readdir(directory) {
      let file = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard file.hasPrefix(name + "-") else { continue }
      let isPlain = file.hasSuffix(".jsonl")
      guard isPlain || file.hasSuffix(".jsonl.gz") else { continue }
      let stem = file.dropLast(isPlain ? 6 : 9)
      guard let number = stem.split(separator: "-").last.flatMap({ Int64($0) }) else { continue }
      found.append(Closed(file: file, generation: number, isPlain: isPlain))
    }
    return found
  }

  /// `20270306T190000Z`.
  private static func stamp(_ nanoseconds: Int64) -> String {
    Timestamp.text(nanoseconds).prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
  }

  private static func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  private static func compress(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { Glibc.close(descriptor) }
    let temporary = path + ".tmp"
    let target = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
    guard target >= 0 else { return }
    // Several members make one file.
    var piece = [UInt8](repeating: 0, count: 4 << 20)
    var isWhole = false
    while true {
      let got = read(descriptor, &piece, piece.count)
      if got == 0 { isWhole = true }
      guard got > 0, let packed = Deflater.gzip(Array(piece[..<got])) else { break }
      guard write(target, packed, packed.count) == packed.count else { break }
    }
    let isOnDisk = fsync(target) == 0
    Glibc.close(target)
    if isWhole && isOnDisk && rename(temporary, path + ".gz") == 0 { unlink(path) } else { unlink(temporary) }
  }
}
