/// SQLite's write-ahead log as it lies on disk, read without SQLite (sqlite.org/fileformat2.html §4).
///
/// ```
/// header  magic | version | page size | checkpoint number | salt | salt | sum | sum      8 × 32 bits
/// frame   page number | pages after commit, or 0 | salt | salt | sum | sum | the page    6 × 32 bits + page
/// ```
/// Integers are big-endian. The sums of a frame go on from those of the frame before it. SQLite reads up to the last commit
/// before the first frame whose sums or salts are wrong, and says nothing of what lies behind: one bad byte would make
/// acknowledged transactions vanish. This reads on.
struct WriteAheadLog {
  static let headerLength = 32
  static let frameHeaderLength = 24

  let file: MappedFile
  let header: Header
  /// False: SQLite takes the whole log for nothing, and `header` was guessed from the frames.
  let isHeaderSound: Bool

  struct Header {
    var pageSize: Int
    var checkpoints: UInt32
    var salts: (UInt32, UInt32)
    var sums: LogSums
    /// Whether sums are made of big-endian words; garner's own logs never are on this kind of machine.
    var isBigEndian: Bool
  }

  /// Nil: no log, or one without a whole frame that could be told from noise.
  init?(_ path: String) {
    guard let file = MappedFile(path), file.bytes.count > Self.headerLength + Self.frameHeaderLength else { return nil }
    self.file = file
    if let header = Header(file.bytes) {
      self.header = header
      isHeaderSound = true
    } else if let header = Header(guessedFrom: file.bytes) {
      self.header = header
      isHeaderSound = false
    } else {
      return nil
    }
  }

  var frameLength: Int { Self.frameHeaderLength + header.pageSize }
  /// Whole frames.
  var frameCount: Int { (file.bytes.count - Self.headerLength) / frameLength }

  func offset(_ frame: Int) -> Int { Self.headerLength + frame * frameLength }
  func pageBytes(_ frame: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[offset(frame) + Self.frameHeaderLength..<offset(frame + 1)])
  }

  func page(_ frame: Int) -> UInt32 { file.bytes.bigEndian(at: offset(frame)) }
  func commitPages(_ frame: Int) -> UInt32 { file.bytes.bigEndian(at: offset(frame) + 4) }
  func sums(_ frame: Int) -> LogSums { LogSums(file.bytes, at: offset(frame) + 16) }

  func hasSalts(_ frame: Int) -> Bool {
    file.bytes.bigEndian(at: offset(frame) + 8) == header.salts.0
      && file.bytes.bigEndian(at: offset(frame) + 12) == header.salts.1
  }

  /// The sums behind a frame that comes after `sums`.
  func sums(_ sums: LogSums, after frame: Int) -> LogSums {
    var sums = sums
    let start = offset(frame)
    sums.add(UnsafeRawBufferPointer(rebasing: file.bytes[start..<start + 8]), header.isBigEndian)
    sums.add(pageBytes(frame), header.isBigEndian)
    return sums
  }

  /// The sums that `frame` goes on from, if it is sound.
  func sums(before frame: Int) -> LogSums {
    var sums = sums(frame)
    let start = offset(frame)
    sums.takeBack(pageBytes(frame), header.isBigEndian)
    sums.takeBack(UnsafeRawBufferPointer(rebasing: file.bytes[start..<start + 8]), header.isBigEndian)
    return sums
  }

  // MARK: damage

  /// Where SQLite would stop although something was committed behind it: offset in the log, and a sentence. Nil: all is well,
  /// or a crash cut a transaction short that nobody was told of.
  func damage() -> (offset: Int, reason: String)? {
    if !isHeaderSound { return (0, "noise at the head of its write-ahead log") }
    var state = header.sums
    var broken = 0
    while broken < frameCount, hasSalts(broken) {
      state = sums(state, after: broken)
      if state != sums(broken) { break }
      broken += 1
    }
    for frame in broken..<max(broken, frameCount) where isCommit(frame) || isNoise(frame) {
      return (
        offset(broken),
        "noise at byte \(offset(broken)) of its write-ahead log, before the end of what was committed"
      )
    }
    return nil
  }

  /// By its looks; its sums may be wrong.
  private func isCommit(_ frame: Int) -> Bool { hasSalts(frame) && commitPages(frame) != 0 }

  /// What no write of SQLite leaves: not ours, not of the log that lay here before a checkpoint, not a hole.
  func isNoise(_ frame: Int) -> Bool {
    if hasSalts(frame) { return false }
    let start = offset(frame)
    let salt = file.bytes.bigEndian(at: start + 8)
    // Each reuse of the file counts the first salt up by one.
    let age = header.salts.0 &- salt
    if header.checkpoints > 0 && age > 0 && age <= header.checkpoints { return false }
    return file.bytes[start..<start + Self.frameHeaderLength].contains { $0 != 0 }
  }
}

extension WriteAheadLog.Header {
  init?(_ bytes: UnsafeRawBufferPointer) {
    let magic = bytes.bigEndian(at: 0)
    guard magic & ~1 == 0x377f_0682, bytes.bigEndian(at: 4) == 3_007_000 else { return nil }
    pageSize = Int(bytes.bigEndian(at: 8))
    guard pageSize >= 512, pageSize <= 65_536, pageSize & (pageSize - 1) == 0 else { return nil }
    isBigEndian = magic & 1 == 1
    checkpoints = bytes.bigEndian(at: 12)
    salts = (bytes.bigEndian(at: 16), bytes.bigEndian(at: 20))
    sums = LogSums(bytes, at: 24)
    var made = LogSums()
    made.add(UnsafeRawBufferPointer(rebasing: bytes[0..<24]), isBigEndian)
    guard made == sums else { return nil }
  }

  /// Two frames in a row whose sums agree tell what the header would.
  init?(guessedFrom bytes: UnsafeRawBufferPointer) {
    for exponent in [13, 12, 14, 9, 10, 11, 15, 16] {
      let length = WriteAheadLog.frameHeaderLength + 1 << exponent
      let count = (bytes.count - WriteAheadLog.headerLength) / length
      guard count >= 2 else { continue }
      for frame in 0..<min(count - 1, 32) {
        let start = WriteAheadLog.headerLength + frame * length
        for isBigEndian in [false, true] {
          var sums = LogSums(bytes, at: start + 16)
          sums.add(UnsafeRawBufferPointer(rebasing: bytes[start + length..<start + length + 8]), isBigEndian)
          sums.add(UnsafeRawBufferPointer(rebasing: bytes[start + length + 24..<start + 2 * length]), isBigEndian)
          guard sums == LogSums(bytes, at: start + length + 16) else { continue }
          self.init(
            pageSize: 1 << exponent, checkpoints: 0,
            salts: (bytes.bigEndian(at: start + length + 8), bytes.bigEndian(at: start + length + 12)),
            sums: LogSums(bytes, at: 24), isBigEndian: isBigEndian)
          return
        }
      }
    }
    return nil
  }
}

/// The running sums of a write-ahead log. Each step can be taken back, so that a damaged head of a frame is known from the
/// page behind it and the sums on both sides.
struct LogSums: Equatable {
  var first: UInt32 = 0
  var second: UInt32 = 0

  init() {}

  /// As they stand in the file.
  init(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
    first = bytes.bigEndian(at: offset)
    second = bytes.bigEndian(at: offset + 4)
  }

  /// Whole pairs of words only.
  mutating func add(_ bytes: UnsafeRawBufferPointer, _ isBigEndian: Bool) {
    for at in stride(from: 0, to: bytes.count - 7, by: 8) {
      first &+= bytes.word(at: at, isBigEndian) &+ second
      second &+= bytes.word(at: at + 4, isBigEndian) &+ first
    }
  }

  mutating func takeBack(_ bytes: UnsafeRawBufferPointer, _ isBigEndian: Bool) {
    for at in stride(from: bytes.count - 8, through: 0, by: -8) {
      second &-= bytes.word(at: at + 4, isBigEndian) &+ first
      first &-= bytes.word(at: at, isBigEndian) &+ second
    }
  }

  /// The two words that lead from `before` to here.
  func words(since before: LogSums, _ isBigEndian: Bool) -> (UInt32, UInt32) {
    let one = first &- before.first &- before.second
    let two = second &- before.second &- first
    return isBigEndian ? (one, two) : (one.byteSwapped, two.byteSwapped)
  }
}

extension UnsafeRawBufferPointer {
  @inline(__always) func bigEndian(at offset: Int) -> UInt32 {
    UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always) func word(at offset: Int, _ isBigEndian: Bool) -> UInt32 {
    let word = loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return isBigEndian ? UInt32(bigEndian: word) : UInt32(littleEndian: word)
  }
}
