import Daemon
import Store

extension ResolvedConfig {
  /// The data directory, which must be there: commands that read never make one.
  func existingDirectory() throws -> DataDirectory {
    let directory = DataDirectory(config.dataDirectory)
    guard FileSystem.isFolder(directory.shards) else {
      throw CommandFailure(
        .unavailable,
        "\(directory.path) holds no Garner data; name another by --data-dir, or start `garner serve` first")
    }
    return directory
  }
}
