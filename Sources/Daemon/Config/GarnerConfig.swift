package import Telemetry

/// What an operator may set, with the defaults. `ConfigKey.all` gives each field its name, its type and its words.
package struct GarnerConfig: Sendable {
  package struct Listen: Sendable {
    package var otlpHTTP = ListenAddress.open(host: "127.0.0.1", port: 4318)
    package var otlpGRPC = ListenAddress.open(host: "127.0.0.1", port: 4317)
    package var udp = ListenAddress.open(host: "127.0.0.1", port: 4319)
    package var console = ListenAddress.open(host: "127.0.0.1", port: 4320)
  }

  package struct UDP: Sendable {
    package var allowUnsigned: [String] = []
    package var maxSkew: Duration = .seconds(600)
    package var silentAfter: Duration = .seconds(30)
  }

  /// The drop folder.
  package struct Drop: Sendable {
    package var settle: Duration = .seconds(2)
    package var scan: Duration = .seconds(10)
    package var keepDone: Duration = .seconds(86_400)
    package var keepRejected: Duration = .seconds(30 * 86_400)
    package var keepBytes: Int64 = 1 << 30
  }

  package struct Retention: Sendable {
    /// Nil: no cap.
    package var maxBytes: Int64? = 500_000_000
    package var minAge: Duration = .seconds(600)
    /// Nil: `2 × store.landing_bytes + 8 MiB`.
    package var reserveBytes: Int64?
    package var interval: Duration = .seconds(60)
    package var classes: RetentionClasses = .standard
  }

  package struct Dedup: Sendable {
    /// Zero: no retry is ever recognized.
    package var window: Duration = .seconds(3600)
  }

  package struct Limits: Sendable {
    package var bodyBytes: Int64 = 64 << 20
    package var inflightBytes: Int64 = 96 << 20
    package var connections = 1_000
    package var jsonDepth = 256
    package var headerBytes: Int64 = 16 << 10
    package var headerTimeout: Duration = .seconds(10)
    package var bodyTimeout: Duration = .seconds(60)
    package var idleTimeout: Duration = .seconds(120)
  }

  package struct Storage: Sendable {
    package var landingBytes: Int64 = 64 << 20
    package var queueBytes: Int64 = 64 << 20
    package var groupBytes: Int64 = 16 << 20
    package var landingBacklog = 8
    package var compactBelow: Int64 = 8 << 20
  }

  package struct Auth: Sendable {
    /// Doors that take records without a token.
    package enum Anonymous: String, Sendable, CaseIterable {
      case loopback
      case everywhere = "true"
      case nowhere = "false"
    }
    /// Empty: `<data>/keys/tokens.jsonl`.
    package var tokensFile = ""
    /// Empty: `<data>/keys/udp.jsonl`.
    package var udpKeysFile = ""
    package var anonymous = Anonymous.loopback
  }

  /// Of all TCP doors; all empty: plain text.
  package struct TLS: Sendable {
    package var certFile = ""
    package var keyFile = ""
    /// Empty: clients are not asked for certificates.
    package var clientCAFile = ""
  }

  package struct Privacy: Sendable {
    package enum Policy: String, Sendable, CaseIterable {
      case standard = "default"
      case none
    }
    package var policy = Policy.standard
    /// Patterns that add to the built-in ones, `!pattern` takes one away.
    package var pseudonymize: [String] = []
    package var drop: [String] = []
    package var scrub: [String] = []
    /// Empty: `<data>/keys/privacy.jsonl`.
    package var keyFile = ""
  }

  package struct Log: Sendable {
    package enum Level: String, Sendable, CaseIterable { case trace, debug, info, notice, warning, error, critical }
    /// `auto`: text on a terminal, JSON elsewhere.
    package enum Format: String, Sendable, CaseIterable { case auto, text, json }
    package var level = Level.info
    package var format = Format.auto
  }

  /// What Garner stores of itself.
  package struct SelfTelemetry: Sendable {
    package var traces = false
    package var metrics = false
  }

  package struct Query: Sendable {
    package var timeout: Duration = .seconds(30)
    /// Rows; 0: no limit.
    package var limit = 100_000
  }

  /// Where everything is kept; filled by the search order when the operator sets none.
  package var dataDirectory = ""
  package var listen = Listen()
  package var udp = UDP()
  package var drop = Drop()
  package var retention = Retention()
  package var dedup = Dedup()
  package var limits = Limits()
  package var store = Storage()
  package var auth = Auth()
  package var tls = TLS()
  package var privacy = Privacy()
  /// How long a stop waits for requests in flight.
  package var drain: Duration = .seconds(10)
  package var log = Log()
  package var query = Query()
  package var selfTelemetry = SelfTelemetry()
  package var forward = ForwardConfig()
  /// In the order of the file.
  package var destinations: [DestinationConfig] = []

  package init() {}
}
