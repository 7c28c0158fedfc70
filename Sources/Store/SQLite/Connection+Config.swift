import CSQLite

/// Closing the last connection would checkpoint and delete the write-ahead log, whatever `wal_autocheckpoint` says.
func garnerNoCheckpointOnClose(_ connection: Connection) {
  _ = garner_no_checkpoint_on_close(connection.handle)
}
