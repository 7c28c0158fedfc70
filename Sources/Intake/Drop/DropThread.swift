/// A thread for one piece of blocking work: reading, hashing and decoding take long. Starting one costs some 20 µs, and a
/// piece takes a thousand times that.
enum DropThread {
  static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      IntakeThread.start { continuation.resume(returning: body()) }
    }
  }
}
