/** Where the audit log goes. */
export interface AuditSink {
  /**
   * Takes one line, without its line break. Never waits and never throws: what cannot be kept is counted, and the
   * count is written in its place.
   */
  write(line: string): void;
}
