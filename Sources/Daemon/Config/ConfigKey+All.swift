extension ConfigKey {
  /// All keys, in the order of the file. Aliases stand behind the keys whose fields they share.
  package static let all: [ConfigKey] = [
    ConfigKey(
      "data_dir", \.dataDirectory, .text,
      "Where everything is kept. Empty: $STATE_DIRECTORY, else /var/lib/garner for root, else "
        + "$XDG_DATA_HOME/garner (~/.local/share/garner)."),
    ConfigKey("drain", \.drain, .duration(), "How long a stop waits for requests in flight."),

    ConfigKey(
      "listen.otlp_http", \.listen.otlpHTTP, .address,
      "OTLP over HTTP, protobuf and JSON: HOST:PORT (IPv6 as \"[::1]:4318\"), port 0 picks one, none closes the door."),
    ConfigKey("listen.otlp_grpc", \.listen.otlpGRPC, .address, "OTLP over gRPC: traces, metrics and logs."),
    ConfigKey(
      "listen.udp", \.listen.udp, .address, "Datagrams of games, forms B and J; on 127.0.0.1 it listens on ::1 too."),
    ConfigKey("listen.console", \.listen.console, .address, "Health, /metrics and the pages for people."),

    ConfigKey(
      "udp.allow_unsigned", \.udp.allowUnsigned, .networks,
      "Networks from which form J is taken without a signature, besides this machine; anybody there can forge it."),
    ConfigKey(
      "udp.max_skew", \.udp.maxSkew, .duration(.seconds(1) ... .seconds(86_400)),
      "How far the clock of a sender that was started anew may be off; its packets are refused beyond."),
    ConfigKey(
      "udp.silent_after", \.udp.silentAfter, .duration(.seconds(1) ... .seconds(86_400)),
      "A sender without a packet for so long, and without a farewell, is called silent."),

    ConfigKey(
      "drop.settle", \.drop.settle, .duration(.milliseconds(10) ... .seconds(3_600)),
      "How long a file in <data>/drop/in must be quiet before it is taken; one that is renamed into place is taken at "
        + "once."),
    ConfigKey(
      "drop.scan", \.drop.scan, .duration(.milliseconds(10) ... .seconds(3_600)),
      "How often the folder is looked through for files that nothing has told about."),
    ConfigKey(
      "drop.keep_done", \.drop.keepDone, .duration(), "How long a file that was stored lies in drop/done."),
    ConfigKey(
      "drop.keep_rejected", \.drop.keepRejected, .duration(),
      "How long what was not stored lies in drop/rejected."),
    ConfigKey(
      "drop.keep_bytes", \.drop.keepBytes, .size(0...(1 << 50)),
      "Bytes of drop/done and drop/rejected together; over it the oldest go first, those in done before the others."),

    ConfigKey(
      "retention.max_bytes", \.retention.maxBytes, .cap(atLeast: 1 << 20),
      "Cap of the data directory in real bytes, write-ahead logs included, exports/ and drop/ not; rejected/ has a tenth "
        + "of it; -1: none."),
    ConfigKey(
      "retention.min_age", \.retention.minAge, .duration(),
      "Nothing younger is removed for the cap; when only such rows are left, senders get 503."),
    ConfigKey(
      "retention.reserve_bytes", \.retention.reserveBytes, .computedSize(0...(1 << 50)),
      "Bytes of the file system that stay free; auto: two landing files (store.landing_bytes, or an eighth of the cap or of "
        + "the file system where that is less) + 8MiB."),
    ConfigKey(
      "retention.interval", \.retention.interval, .duration(.milliseconds(10) ... .seconds(86_400)),
      "How often ages and sizes are looked at."),
    ConfigKey(
      "retention.classes", \.retention.classes, .classes,
      "What is kept together and for how long, counted from arrival. Patterns are tried from the top, the first match "
        + "wins: an event (relay.desync), a beginning (relay.game.*), a category (gui), signal:metrics, severity>=warn, "
        + "or several with blanks between them that must all hold. A class named here changes only what it says; a new "
        + "class needs age and match and is tried before the ones below. age: none keeps rows until the cap."),

    ConfigKey(
      "dedup.window", \.dedup.window, .duration(),
      "How long a retried request is recognized and stored once; 0: never."),

    ConfigKey(
      "limits.body_bytes", \.limits.bodyBytes, .size(1_024...(1 << 30)),
      "Longest request body, counted after decompression; longer: 413."),
    ConfigKey(
      "limits.inflight_bytes", \.limits.inflightBytes, .size((1 << 20)...(1 << 36)),
      "All bodies in work together, encoded and decoded; no room: 503 before anything is read."),
    ConfigKey(
      "limits.connections", \.limits.connections, .integer(1...65_536), "Connections of one door at the same time."),
    ConfigKey(
      "limits.json_depth", \.limits.jsonDepth, .integer(64...512),
      "Nested arrays and maps in one value, JSON or protobuf; deeper: 400."),
    ConfigKey(
      "limits.header_bytes", \.limits.headerBytes, .size(1_024...(1 << 20)),
      "All header fields of a request together; more: 431."),
    ConfigKey(
      "limits.header_timeout", \.limits.headerTimeout, .duration(.milliseconds(10) ... .seconds(3_600)),
      "Time to send the header of a request."),
    ConfigKey(
      "limits.body_timeout", \.limits.bodyTimeout, .duration(.milliseconds(10) ... .seconds(3_600)),
      "Time to send the body of a request; longer: 408."),
    ConfigKey(
      "limits.idle_timeout", \.limits.idleTimeout, .duration(.milliseconds(10) ... .seconds(86_400)),
      "How long a connection may be silent between requests."),

    ConfigKey(
      "store.landing_bytes", \.store.landingBytes, .size((64 << 10)...(4 << 30)),
      "Length at which a landing file is closed and settled; never over an eighth of the cap or of the file system."),
    ConfigKey(
      "store.queue_bytes", \.store.queueBytes, .size((1 << 20)...(1 << 36)),
      "Decoded batches that may wait for the disk; more: 503 queue_full."),
    ConfigKey(
      "store.group_bytes", \.store.groupBytes, .size((64 << 10)...(1 << 30)),
      "Batches that one transaction takes together."),
    ConfigKey(
      "store.landing_backlog", \.store.landingBacklog, .integer(1...1_000),
      "Closed landing files that may wait for settling; more: 503 settling_behind."),
    ConfigKey(
      "store.compact_below", \.store.compactBelow, .size(0...(1 << 30)),
      "Settled files of one class and day under this length are put together."),

    ConfigKey(
      "auth.tokens_file", \.auth.tokensFile, .text,
      "Tokens of senders and readers, mode 0600, made by `garner token`. Empty: <data>/keys/tokens.jsonl."),
    ConfigKey(
      "auth.udp_keys_file", \.auth.udpKeysFile, .text,
      "Keys that sign datagrams, mode 0600, made by `garner token create --udp`. Empty: <data>/keys/udp.jsonl."),
    ConfigKey(
      "auth.allow_anonymous", \.auth.anonymous, .word,
      "Doors that need no token: loopback, all (true), none (false)."),

    ConfigKey(
      "tls.cert_file", \.tls.certFile, .text,
      "Certificate chain in PEM for all TCP doors, read again when it changes. Empty: plain text."),
    ConfigKey("tls.key_file", \.tls.keyFile, .text, "Its private key in PEM."),
    ConfigKey(
      "tls.client_ca_file", \.tls.clientCAFile, .text,
      "Authorities in PEM whose client certificates may send records without a token. Empty: none is asked for."),

    ConfigKey(
      "privacy.policy", \.privacy.policy, .word,
      "default: players and devices become pseudonyms, addresses, e-mails, names, secrets and chat are removed before "
        + "anything is kept. none stores what arrives as it arrives, but for garner.* of strangers."),
    ConfigKey(
      "privacy.pseudonymize", \.privacy.pseudonymize, .patterns,
      "Further keys whose values become pseudonyms: patterns without case, * for any run of letters, {a,b} for either; "
        + "\"!pattern\" takes a built-in one away, \"device:pattern\" is for devices."),
    ConfigKey("privacy.drop", \.privacy.drop, .patterns, "Further keys that are removed with their values."),
    ConfigKey(
      "privacy.scrub", \.privacy.scrub, .patterns,
      "All texts are searched for addresses, secrets and the like; \"!pattern\" leaves out the values of these keys."),
    ConfigKey(
      "privacy.key_file", \.privacy.keyFile, .text,
      "Keys of the pseudonyms, mode 0600, made at the first start. Empty: <data>/keys/privacy.jsonl."),
    ConfigKey(
      "privacy.classes.restricted", \.retention.classes, .restrictedPatterns, aliasOf: "retention.classes",
      collides: { $0["restricted"]?["match"] != nil },
      "Another name of the patterns of the class restricted."),

    ConfigKey("log.level", \.log.level, .word, "trace, debug, info, notice, warning, error or critical."),
    ConfigKey("log.format", \.log.format, .word, "text, json, or auto: text on a terminal, else json."),

    ConfigKey("query.timeout", \.query.timeout, .duration(), "Longest run of one query; 0: no limit."),
    ConfigKey("query.limit", \.query.limit, .integer(0...Int.max), "Most rows that one query gives; 0: no limit."),

    ConfigKey(
      "telemetry.max_db_size_mb", \.retention.maxBytes, .megabytes, aliasOf: "retention.max_bytes",
      "Another name of retention.max_bytes, in megabytes."),
    ConfigKey(
      "telemetry.retention_days", \.retention.classes, .standardDays, aliasOf: "retention.classes",
      collides: { $0["standard"]?["age"] != nil },
      "Another name of the age of the class standard, in days; -1: no limit."),

    ConfigKey(
      "self_telemetry.traces", \.selfTelemetry.traces, .boolean,
      "Whether a span is stored for each request of OTLP, source garner, at most 100 a second."),
    ConfigKey(
      "self_telemetry.metrics", \.selfTelemetry.metrics, .boolean,
      "Whether the counters and gauges of /metrics are stored once a minute, source garner."),

    ConfigKey(
      "forward.inflight_bytes", \.forward.inflightBytes, .size((4 << 20)...(8 << 30)),
      "Encoded requests of all destinations together that wait or are under way; each has its share."),
    ConfigKey(
      "forward.hold_limit", \.forward.holdLimit, .percent,
      "Share of retention.max_bytes that files with unsent records may keep together (see hold_unsent)."),
    ConfigKey(
      "destinations", \.destinations, .destinations,
      "Where records are sent on to, by name (a-z, 0-9, _ and -); the name owns the position, so that a new endpoint goes "
        + "on where the old one was. Nothing leaves unless it stands here. See docs/forward.md."),
    ConfigKey(reserved: "alerts"),
  ]
}
