import Glibc

/// A named thread with a bell: the writer and the settler must block in SQLite and fsync, which the cooperative pool must not.
///
/// `@unchecked Sendable`: the mutex and the condition are made once and only used through pthread.
final class Bell: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  @inline(__always) func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }

  func ring() { pthread_cond_broadcast(condition) }

  /// To be called inside `locked`; returns when rung, or after `nanoseconds`, or for no reason.
  func wait(nanoseconds: Int64) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let total = Int64(time.tv_nsec) + nanoseconds
    time.tv_sec += Int(total / 1_000_000_000)
    time.tv_nsec = Int(total % 1_000_000_000)
    pthread_cond_timedwait(condition, mutex, &time)
  }

  func wait() { pthread_cond_wait(condition, mutex) }
}

enum Thread {
  private final class Body {
    let name: String
    let run: @Sendable () -> Void
    init(_ name: String, _ run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }

    // A method: with these calls in the C function below, the compiler crashes (6.3).
    func main() {
      Thread.setName(name)
      run()
    }
  }

  /// Detached: who needs its end waits for something that `body` signals. `name`, at most 15 bytes, is what `top -H` shows.
  static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 1 << 20)
    let box = Unmanaged.passRetained(Body(name, body))
    let failed = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().main()
        return nil
      }, box.toOpaque())
    precondition(failed == 0, "no thread to be had")
  }

  /// Glibc's own call for it needs a feature macro that Swift does not set.
  fileprivate static func setName(_ name: String) {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = name.utf8.withContiguousStorageIfAvailable { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
  }
}
