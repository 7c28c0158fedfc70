import Glibc
import NIOPosix
import Synchronization
package import Wire

/// Lines of OTLP/JSON on standard output. A pipe whose reader is gone stops it.
package final class StreamCourier: Courier {
  private let descriptor: Int32
  /// A pipe takes a long line in pieces, and several runs write: what is delayed, a replay.
  private static let turn = Mutex(())

  package init(descriptor: Int32 = 1) { self.descriptor = descriptor }

  package func send(_ parcel: any Parcel, _ range: Range<Int>, form: Int) async -> Answer {
    let line = parcel.body(range, form: form) + [0x0a]
    let descriptor = descriptor
    let number = await Self.blocking {
      Self.turn.withLock { _ in Self.write(line, to: descriptor) }
    }
    if number == 0 { return Answer(.status(200)) }
    let words = "standard output: \(String(cString: strerror(number)))"
    return Answer(number == EPIPE ? .unfit(words) : .silence(words, isTimeout: false))
  }

  /// The number of the error; 0: all of it is written.
  private static func write(_ line: [UInt8], to descriptor: Int32) -> Int32 {
    var written = 0
    while written < line.count {
      let got = line[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if got < 0 && errno == EINTR { continue }
      if got <= 0 { return errno }
      written += got
    }
    return 0
  }

  private static func blocking(_ body: @escaping @Sendable () -> Int32) async -> Int32 {
    (try? await NIOThreadPool.singleton.runIfActive(body)) ?? EINTR
  }

  package func judge(_ answer: Answer, _ parcel: any Parcel, _ range: Range<Int>, form: Int) -> Verdict {
    switch answer.outcome {
    case .status: .accepted
    case .unfit: .stop
    default: .outage(after: nil)
    }
  }
}
