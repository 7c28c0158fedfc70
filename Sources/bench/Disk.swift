import Glibc

/// Slow disks, killed processes, many files.
enum Disk {
  static func slowly(_ stage: Stage) throws(BenchFailure) {
    let library = stage.place.folder + "/slow-fsync.so"
    let compiler = Environment.value("CC") ?? "/usr/bin/cc"
    let built = try Child([compiler, "-shared", "-fPIC", "-O2", "-o", library, "tools/slow-fsync.c"]).finish()
    guard built.status == 0 else {
      throw BenchFailure("tools/slow-fsync.c: run from the repository, with a C compiler")
    }
    let daemon = try stage.daemon(["LD_PRELOAD": library])
    try stage.warm(daemon, "--signal traces")
    for (connections, bar, goal) in [(8, "150 k", "250 k"), (1, "25 k", "40 k")] {
      let load = try stage.measure(daemon, "--signal traces --connections \(connections)")
      stage.add(
        "spans with an 8-ms fsync, \(connections) connection\(connections == 1 ? "" : "s")",
        "\(Text.thousands(load.rate))/s", bar: bar, goal: goal, load.latency + load.trouble)
    }
    daemon.stop()
  }

  static func recovery(_ stage: Stage) throws(BenchFailure) {
    let daemon = try stage.daemon()
    let load = try Child(Load.arguments(stage.place, daemon, ["--seconds", "60"]))
    Clock.pause(max(1, stage.seconds / 2))
    daemon.killNow()
    kill(load.id, SIGKILL)
    load.wait()
    let landing = Workplace.usage(stage.place.data + "/shards/landing")
    let next = try stage.daemon()
    stage.add(
      "recovery after kill -9", "\(Text.number(next.startSeconds, 2)) s", bar: "1", goal: "0.3",
      "to open doors; \(landing.files) landing files, \(landing.bytes >> 20) MB")
    next.stop()
  }

  /// Small landing files, each with many classes and days, make many shards in a short time; compaction is kept from taking them away.
  static func manyFiles(_ stage: Stage) throws(BenchFailure) {
    let environment = [
      "GARNER_STORE_LANDING_BYTES": "262144", "GARNER_STORE_LANDING_BACKLOG": "1000", "GARNER_RETENTION_INTERVAL": "1d",
    ]
    let daemon = try stage.daemon(environment)
    let end = Clock.now() + max(20, 6 * stage.seconds)
    var files = 0
    while files < 1_000, Clock.now() < end {
      _ = try Load(
        stage.place, daemon, "--signal traces --connections 1 --batch 480 --classes 4 --days 3 --records 9600")
      try daemon.settle()
      files = Workplace.usage(stage.place.data + "/shards").files
    }
    daemon.stop()
    let next = try stage.daemon(environment)
    stage.add("start with \(files) files", "\(Text.number(next.startSeconds, 2)) s", bar: "0.3", goal: "0.1")
    try Reading.trace(stage, "trace by id, \(files) files")
    next.stop()
  }
}
