import Glibc
import NIOPosix

/// A few threads for calls that block: queries, counts, settling on demand.
enum BlockingWork {
  private static let pool: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 4)
    pool.start()
    return pool
  }()

  static func run(_ body: @escaping @Sendable () -> Void) {
    pool.submit { _ in body() }
  }
}
