import Glibc

/// A temporary folder, and where the programs lie that are measured.
struct Workplace {
  let folder: String
  let garner: String

  /// `TMPDIR` says on which disk; data in memory would hide what fsync costs.
  init?() {
    var template = Array(((Environment.value("TMPDIR") ?? "/var/tmp") + "/garner-bench-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { return nil }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var path = [CChar](repeating: 0, count: 4_096)
    let count = readlink("/proc/self/exe", &path, path.count)
    guard count > 0 else { return nil }
    let own = String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    garner = own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/garner"
  }

  var data: String { folder + "/data" }

  func empty() { Self.remove(folder, keepFolder: true) }
  func remove() { Self.remove(folder, keepFolder: false) }

  private static func remove(_ path: String, keepFolder: Bool) {
    for name in names(path) {
      let child = path + "/" + name
      var status = stat()
      if lstat(child, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
        remove(child, keepFolder: false)
      } else {
        unlink(child)
      }
    }
    if !keepFolder { rmdir(path) }
  }

  static func names(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Bytes that the file system really holds, and how many data files.
  static func usage(_ folder: String) -> (bytes: Int, files: Int) {
    var sum = (bytes: 0, files: 0)
    for name in names(folder) {
      let path = folder + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        let inner = usage(path)
        sum.bytes += inner.bytes
        sum.files += inner.files
      } else {
        sum.bytes += Int(status.st_blocks) * 512
        if name.hasSuffix(".db") { sum.files += 1 }
      }
    }
    return sum
  }
}
