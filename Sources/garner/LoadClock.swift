import Glibc

enum LoadClock {
  /// Nanoseconds since 1970.
  static func wall() -> Int64 { read(CLOCK_REALTIME) }

  /// Nanoseconds of a clock that only goes forward.
  static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

  static func sleep(until moment: Int64) {
    var time = timespec(tv_sec: Int(moment / 1_000_000_000), tv_nsec: Int(moment % 1_000_000_000))
    while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
  }

  private static func read(_ clock: Int32) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
