/// How log records become Loki streams.
package struct LokiOptions: Sendable {
  /// A line that is too long is cut, or its record refused.
  package enum LongLine: Sendable {
    case cut, refuse
  }

  /// Resource attributes, and `row.component`, `row.game_module`, `row.category`; as far as there is room.
  package var labels = LokiOptions.defaultLabels
  package var staticLabels: [(name: String, value: String)] = []
  /// Distinct ones within an hour of arrivals; a further one keeps its service and the static labels.
  package var maxStreams = 1_000
  package var longLines = LongLine.cut
  package var attributes = AttributeFilter()

  package init() {}

  /// What Loki itself makes labels of when it is sent OTLP (CONFORMANCE LOKI-04).
  package static let defaultLabels = [
    "service.name", "service.namespace", "service.instance.id", "deployment.environment",
    "deployment.environment.name", "cloud.region", "cloud.availability_zone", "container.name", "k8s.cluster.name",
    "k8s.namespace.name", "k8s.pod.name", "k8s.container.name", "k8s.replicaset.name", "k8s.deployment.name",
    "k8s.statefulset.name", "k8s.daemonset.name", "k8s.cronjob.name", "k8s.job.name",
  ]
}

/// Limits of Loki as it is shipped.
enum LokiLimit {
  static let labels = 15
  static let labelValue = 2 << 10
  static let line = 256 << 10
  static let metadata = 128
  /// Of 64 KiB.
  static let metadataBytes = 60 << 10
  /// Bytes of one request before compression: bursts above 6 MB are always answered 429.
  static let request = 1 << 20
  /// Nanoseconds: behind the newest of its stream, behind the clock, ahead of the clock.
  static let behindStream: Int64 = 3_600 * 1_000_000_000
  static let behindClock: Int64 = 168 * 3_600 * 1_000_000_000
  static let aheadOfClock: Int64 = 600 * 1_000_000_000
  /// Nanoseconds of arrivals after which a silent stream is no longer counted.
  static let streamLife: Int64 = 3_600 * 1_000_000_000
}

/// `form` of a Loki parcel's body.
package enum LokiForm {
  /// logproto.PushRequest; to be compressed as one snappy block.
  package static let protobuf = 0
  package static let json = 1
}

/// Roads of Loki parcels: those that are likely to be refused go alone.
package enum LokiRoad {
  package static let usual = 0
  /// More than an hour behind what its stream has had.
  package static let late = 1
  package static let tooOld = 2
  package static let future = 3
}
