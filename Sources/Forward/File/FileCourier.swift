import Glibc
import NIOPosix
import Synchronization
package import Wire

/// Lines of OTLP/JSON in files of a folder, one a signal, rotated by length and age (FORWARD §7). The length of a file
/// is kept with the position, and at the start it is cut back to that: each record is there once, whatever happened.
package final class FileCourier: Courier {
  package struct Options: Sendable {
    package var rotateBytes: Int64 = 100 << 20
    package var rotateAfter: Int64 = 86_400_000_000_000
    /// Closed files a signal.
    package var keep = 10
    package var gzip = true
    package init() {}
  }

  private static let names = ["traces", "metrics", "logs"]

  private let files: Mutex<[RotatingFile]>
  private let folder: String

  /// `kept`: what `keptState` said when the position was written. Throws when the folder cannot be used.
  package init(
    folder: String, kept: [String: Int64], _ options: Options, now: @escaping @Sendable () -> Int64
  ) throws(FileFault) {
    self.folder = folder
    try RotatingFile.make(folder)
    var files: [RotatingFile] = []
    for name in Self.names { files.append(try RotatingFile(folder, name, kept, options, now)) }
    self.files = Mutex(files)
  }

  package func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer {
    let line = parcel.body(range, form: form) + [0x0a]
    let road = parcel.road
    // A disk may take its time; the cooperative pool has a thread a core.
    do {
      try await NIOThreadPool.singleton.runIfActive {
        try self.files.withLock { files in try files[road].append(line) }
      }
      return Answer(.status(200))
    } catch {
      return Answer(.silence("\(error)", isTimeout: false))
    }
  }

  package func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict {
    answer.isSuccess ? .accepted : .outage(after: nil)
  }

  package func keptState() -> [String: Int64] {
    files.withLock { files in
      files.reduce(into: [:]) {
        $0[$1.name] = $1.length
        $0[$1.name + ".generation"] = $1.generation
        $0[$1.name + ".opened"] = $1.openedAt
      }
    }
  }

  package func close() async {
    files.withLock { files in
      for index in files.indices { files[index].close() }
    }
  }
}

package struct FileFault: Error, CustomStringConvertible {
  package let description: String

  init(_ operation: String, _ path: String, _ number: Int32 = errno) {
    description = "cannot \(operation) \(path): \(String(cString: strerror(number)))"
  }
}
