/// The version of this program, as `--version`, the start line and `/metrics` give it.
package enum Version {
  package static let text = "0.1.0"
}
