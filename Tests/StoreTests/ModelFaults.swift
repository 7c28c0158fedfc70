import CSQLite
import Glibc
import Synchronization

/// SQLite's way to the disk with a hand in between: before each write, sync, truncation and removal below `watched` folders a
/// test may take a copy of the folder, as a crash at that moment would leave it, or let the call fail.
///
/// Registered once as the default for the whole process; files elsewhere never notice.
enum ModelFaults {
  enum Verdict: Sendable {
    case go
    /// A result code of SQLite, e.g. `SQLITE_FULL`.
    case fail(Int32)
  }

  /// Asked with the path of the file that is about to change; runs on the thread that writes.
  typealias Watch = @Sendable (_ path: String) -> Verdict

  // covers: what is watched, by folder. Never held while a watch runs.
  private static let watches = Mutex<[String: Watch]>([:])
  // covers: the same, for syncs.
  private static let syncWatches = Mutex<[String: Watch]>([:])

  static func watch(_ folder: String, _ body: @escaping Watch) {
    _ = registered
    watches.withLock { $0[folder] = body }
  }

  /// Asked only before syncs.
  static func watchSyncs(_ folder: String, _ body: @escaping Watch) {
    _ = registered
    syncWatches.withLock { $0[folder] = body }
    watch(folder) { _ in .go }
  }

  static func stop(_ folder: String) {
    watches.withLock { $0[folder] = nil }
    syncWatches.withLock { $0[folder] = nil }
  }

  fileprivate static func ask(_ path: String, isSync: Bool = false) -> Int32 {
    if isSync {
      let watch = syncWatches.withLock { watches in watches.first { path.hasPrefix($0.key + "/") }?.value }
      if let watch, case .fail(let code) = watch(path) { return code }
    }
    let watch = watches.withLock { watches in watches.first { path.hasPrefix($0.key + "/") }?.value }
    guard let watch, case .fail(let code) = watch(path) else { return SQLITE_OK }
    return code
  }

  fileprivate static func isWatched(_ path: String) -> Bool {
    watches.withLock { watches in watches.contains { path.hasPrefix($0.key + "/") } }
  }

  // MARK: the layer

  /// A file of ours: SQLite's own lies behind it in the same memory.
  fileprivate struct File {
    var base: sqlite3_file
    /// Kept for the life of the file.
    var path: UnsafeMutablePointer<CChar>?
  }

  fileprivate static let room = MemoryLayout<File>.stride

  /// Written once, before anything can read them.
  nonisolated(unsafe) fileprivate static let below: UnsafeMutablePointer<sqlite3_vfs> = sqlite3_vfs_find(nil)
  nonisolated(unsafe) private static let layer: UnsafeMutablePointer<sqlite3_vfs> = {
    let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    layer.initialize(to: below.pointee)
    layer.pointee.szOsFile += Int32(room)
    layer.pointee.zName = UnsafePointer(strdup("garner-faults"))
    layer.pointee.xOpen = { _, name, file, flags, out in
      guard let file, let open = below.pointee.xOpen else { return SQLITE_ERROR }
      guard let name, isWatched(String(cString: name)) else { return open(below, name, file, flags, out) }
      file.pointee.pMethods = nil
      let code = open(below, name, inner(file), flags, out)
      guard code == SQLITE_OK else { return code }
      UnsafeMutableRawPointer(file).assumingMemoryBound(to: File.self).pointee.path = strdup(name)
      file.pointee.pMethods = UnsafePointer(methods)
      return code
    }
    layer.pointee.xDelete = { _, name, sync in
      if let name {
        let code = ask(String(cString: name))
        if code != SQLITE_OK { return code }
      }
      return below.pointee.xDelete?(below, name, sync) ?? SQLITE_ERROR
    }
    return layer
  }()

  private static let registered: Int32 = sqlite3_vfs_register(layer, 1)

  fileprivate static func inner(_ file: UnsafeMutablePointer<sqlite3_file>) -> UnsafeMutablePointer<sqlite3_file> {
    (UnsafeMutableRawPointer(file) + room).assumingMemoryBound(to: sqlite3_file.self)
  }

  private static func ask(_ file: UnsafeMutablePointer<sqlite3_file>, isSync: Bool = false) -> Int32 {
    let path = UnsafeMutableRawPointer(file).assumingMemoryBound(to: File.self).pointee.path
    return path.map { ask(String(cString: $0), isSync: isSync) } ?? SQLITE_OK
  }

  nonisolated(unsafe) private static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
    let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    methods.initialize(to: sqlite3_io_methods())
    methods.pointee.iVersion = 2
    methods.pointee.xClose = { file in
      guard let file else { return SQLITE_ERROR }
      let code = inner(file).pointee.pMethods?.pointee.xClose?(inner(file)) ?? SQLITE_ERROR
      free(UnsafeMutableRawPointer(file).assumingMemoryBound(to: File.self).pointee.path)
      return code
    }
    methods.pointee.xRead = { file, bytes, count, at in
      guard let file else { return SQLITE_ERROR }
      return inner(file).pointee.pMethods?.pointee.xRead?(inner(file), bytes, count, at) ?? SQLITE_ERROR
    }
    methods.pointee.xWrite = { file, bytes, count, at in
      guard let file else { return SQLITE_ERROR }
      let code = ask(file)
      if code != SQLITE_OK { return code }
      return inner(file).pointee.pMethods?.pointee.xWrite?(inner(file), bytes, count, at) ?? SQLITE_ERROR
    }
    methods.pointee.xTruncate = { file, size in
      guard let file else { return SQLITE_ERROR }
      let code = ask(file)
      if code != SQLITE_OK { return code }
      return inner(file).pointee.pMethods?.pointee.xTruncate?(inner(file), size) ?? SQLITE_ERROR
    }
    methods.pointee.xSync = { file, flags in
      guard let file else { return SQLITE_ERROR }
      let code = ask(file, isSync: true)
      if code != SQLITE_OK { return code }
      return inner(file).pointee.pMethods?.pointee.xSync?(inner(file), flags) ?? SQLITE_ERROR
    }
    methods.pointee.xFileSize = { file, size in
      guard let file else { return SQLITE_ERROR }
      return inner(file).pointee.pMethods?.pointee.xFileSize?(inner(file), size) ?? SQLITE_ERROR
    }
    methods.pointee.xLock = { file, level in
      guard let file else { return SQLITE_ERROR }
      return inner(file).pointee.pMethods?.pointee.xLock?(inner(file), level) ?? SQLITE_ERROR
    }
    methods.pointee.xUnlock = { file, level in
      guard let file else { return SQLITE_ERROR }
      return inner(file).pointee.pMethods?.pointee.xUnlock?(inner(file), level) ?? SQLITE_ERROR
    }
    methods.pointee.xCheckReservedLock = { file, result in
      guard let file else { return SQLITE_ERROR }
      return inner(file).pointee.pMethods?.pointee.xCheckReservedLock?(inner(file), result) ?? SQLITE_ERROR
    }
    methods.pointee.xFileControl = { file, operation, argument in
      guard let file else { return SQLITE_ERROR }
      return inner(file).pointee.pMethods?.pointee.xFileControl?(inner(file), operation, argument) ?? SQLITE_ERROR
    }
    methods.pointee.xSectorSize = { file in
      guard let file else { return 4096 }
      return inner(file).pointee.pMethods?.pointee.xSectorSize?(inner(file)) ?? 4096
    }
    methods.pointee.xDeviceCharacteristics = { file in
      guard let file else { return 0 }
      return inner(file).pointee.pMethods?.pointee.xDeviceCharacteristics?(inner(file)) ?? 0
    }
    methods.pointee.xShmMap = { file, page, size, extend, result in
      guard let file else { return SQLITE_ERROR }
      return inner(file).pointee.pMethods?.pointee.xShmMap?(inner(file), page, size, extend, result) ?? SQLITE_ERROR
    }
    methods.pointee.xShmLock = { file, offset, count, flags in
      guard let file else { return SQLITE_ERROR }
      return inner(file).pointee.pMethods?.pointee.xShmLock?(inner(file), offset, count, flags) ?? SQLITE_ERROR
    }
    methods.pointee.xShmBarrier = { file in
      guard let file else { return }
      inner(file).pointee.pMethods?.pointee.xShmBarrier?(inner(file))
    }
    methods.pointee.xShmUnmap = { file, remove in
      guard let file else { return SQLITE_ERROR }
      return inner(file).pointee.pMethods?.pointee.xShmUnmap?(inner(file), remove) ?? SQLITE_ERROR
    }
    return methods
  }()
}
