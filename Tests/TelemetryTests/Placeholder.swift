import Testing

@Test func placeholderTelemetryTests() {}
