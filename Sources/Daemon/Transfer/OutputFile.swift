import Glibc
import Store
import Telemetry

/// A text being written: into a temporary file that takes its name when it is whole and on disk, or straight to a device,
/// a pipe or the standard output.
final class OutputFile {
  private let path: String
  private let temporary: String?
  private var descriptor: Int32
  private var buffer: [UInt8] = []
  private(set) var bytes: Int64 = 0
  private static let bufferBytes = 1 << 18

  /// `-` is the standard output.
  init(_ path: String) throws(FileError) {
    if path == "-" {
      self.path = path
      temporary = nil
      descriptor = STDOUT_FILENO
      return
    }
    switch try OutputPlace(path) {
    case .stream(let device):
      self.path = device
      temporary = nil
      descriptor = open(device, O_WRONLY | O_CLOEXEC)
    case .file(let file):
      self.path = file
      let (folder, name) = DatabaseExport.split(file)
      let hidden = "\(folder)/.\(name).\(FileSystem.processID()).tmp"
      temporary = hidden
      Unfinished.add(hidden)
      descriptor = open(hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }
    if descriptor < 0 { throw FileError("create", path) }
  }

  deinit { cancel() }

  func write(_ text: [UInt8]) throws(FileError) {
    buffer.append(contentsOf: text)
    if buffer.count >= Self.bufferBytes { try flush() }
  }

  private func flush() throws(FileError) {
    var done = 0
    while done < buffer.count {
      let written = buffer.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
      }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw FileError("write", path) }
      done += written
    }
    bytes += Int64(done)
    buffer.removeAll(keepingCapacity: true)
  }

  func finish() throws(FileError) {
    try flush()
    guard let temporary else { return }
    if fsync(descriptor) != 0 { throw FileError("sync", path) }
    close(descriptor)
    descriptor = -1
    do throws(FileError) { try FileSystem.move(temporary, path) } catch {
      try? FileSystem.remove(temporary)
      // The temporary name is nobody's business.
      throw FileError("create", path, error.number)
    }
    Unfinished.remove(temporary)
    try FileSystem.syncFolder(DatabaseExport.split(path).folder)
  }

  private func cancel() {
    guard let temporary, descriptor >= 0 else { return }
    close(descriptor)
    try? FileSystem.remove(temporary)
    Unfinished.remove(temporary)
  }
}

/// Where the lines of each signal go: one file for all, or in a folder `traces.jsonl`, `metrics.jsonl` and
/// `logs.jsonl`, of which only those with lines are made.
final class OTLPOutputs {
  private let folder: String?
  private var all: OutputFile?
  private var bySignal: [Signal: OutputFile] = [:]

  init(_ path: String) throws(FileError) {
    if path != "-" && FileSystem.isFolder(path) {
      folder = path
    } else {
      folder = nil
      all = try OutputFile(path)
    }
  }

  func write(_ line: [UInt8], _ signal: Signal) throws(FileError) {
    try output(signal).write(line + [0x0a])
  }

  private func output(_ signal: Signal) throws(FileError) -> OutputFile {
    if let all { return all }
    if let known = bySignal[signal] { return known }
    let made = try OutputFile("\(folder ?? ".")/\(signal.name).jsonl")
    bySignal[signal] = made
    return made
  }

  func finish() throws(FileError) {
    try all?.finish()
    for output in bySignal.values { try output.finish() }
  }

  var bytes: Int64 { (all?.bytes ?? 0) + bySignal.values.reduce(0) { $0 + $1.bytes } }
}
