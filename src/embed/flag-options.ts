/** Written by `npx vitest run src/embed/flag-options -u` from src/server/flags/: do not edit. */

/** The flags of `etcd`, under their names in camel case: docs/flags.md tells more. A list is an array, or a text with commas. */
export interface FlagOptions {
  /** Name of this member, for people to read. Default: `default`. */
  readonly name?: string | undefined;
  /** Directory that holds all data. Default: the name and `.etcd`. */
  readonly dataDir?: string | undefined;
  /** Directory for the write-ahead log alone, for example on a device of its own. Default: none. */
  readonly walDir?: string | undefined;
  /** Applied entries after which a snapshot is written and the log is cut. Default: 100000. */
  readonly snapshotCount?: number | undefined;
  /** Milliseconds between heartbeats of the leader; one tick of raft. Default: 100. */
  readonly heartbeatInterval?: number | undefined;
  /**
   * Milliseconds without a leader after which a member calls an election. At least five times
   * `heartbeatInterval`, at most 50000. Default: 1000.
   */
  readonly electionTimeout?: number | undefined;
  /** Shorten the wait for the first election after a start. Default: `true`. */
  readonly initialElectionTickAdvance?: boolean | undefined;
  /** URLs to listen on for other members. Default: none. */
  readonly listenPeerUrls?: string | readonly string[] | undefined;
  /** URLs to listen on for clients, gRPC and HTTP on the same port. Default: none. */
  readonly listenClientUrls?: string | readonly string[] | undefined;
  /** URLs to listen on for HTTP alone; `listenClientUrls` then serves gRPC alone. Default: none. */
  readonly listenClientHttpUrls?: string | readonly string[] | undefined;
  /** Most snapshot files to keep (0 means all). Default: 5. */
  readonly maxSnapshots?: number | undefined;
  /** Most files of the log to keep (0 means all). Default: 5. */
  readonly maxWals?: number | undefined;
  /**
   * Size of the database in bytes beyond which writes are refused (0 means 2147483648, negative no limit).
   * Default: 0.
   */
  readonly quotaBackendBytes?: number | undefined;
  /** How the database keeps its list of free pages ('array' or 'map'). Default: `map`. */
  readonly backendBboltFreelistType?: string | undefined;
  /**
   * Longest time until a batch of applied entries is committed to the database (0 means 100ms). In
   * milliseconds. Default: 0.
   */
  readonly backendBatchInterval?: number | undefined;
  /** Most operations in one such batch (0 means 10000). Default: 0. */
  readonly backendBatchLimit?: number | undefined;
  /** Most operations in one transaction. Default: 128. */
  readonly maxTxnOps?: number | undefined;
  /** Largest request of a client, in bytes. Default: 1572864. */
  readonly maxRequestBytes?: number | undefined;
  /** Most streams that one client may have open at a time. Default: 4294967295. */
  readonly maxConcurrentStreams?: number | undefined;
  /** Serve the JSON gateway under /v3/. Default: `true`. */
  readonly enableGrpcGateway?: boolean | undefined;
  /**
   * Shortest time between two pings of a client; a client that pings more often is disconnected. In
   * milliseconds. Default: 5000.
   */
  readonly grpcKeepaliveMinTime?: number | undefined;
  /**
   * Time without traffic after which the server pings a client (0 means never). In milliseconds. Default:
   * 7200000.
   */
  readonly grpcKeepaliveInterval?: number | undefined;
  /**
   * Time to wait for the answer to such a ping before the connection is closed (0 means forever). In
   * milliseconds. Default: 20000.
   */
  readonly grpcKeepaliveTimeout?: number | undefined;
  /** Let other processes listen on the same ports (SO_REUSEPORT). Needs Node.js 22.12. Default: `false`. */
  readonly socketReusePort?: boolean | undefined;
  /** Listen on addresses that old connections still hold (SO_REUSEADDR). Default: `false`. */
  readonly socketReuseAddress?: boolean | undefined;
  /**
   * Time without a byte from a peer after which a connection to it is given up, at least 5s. In milliseconds.
   * Default: 5000.
   */
  readonly raftReadTimeout?: number | undefined;
  /**
   * Time in which a peer takes no byte after which a connection to it is given up, at least 5s. In
   * milliseconds. Default: 5000.
   */
  readonly raftWriteTimeout?: number | undefined;
  /** Most learners that the cluster may have. Default: 1. */
  readonly maxLearners?: number | undefined;
  /** Entries of the log that stay behind a snapshot, for followers that are slow. Default: 5000. */
  readonly snapshotCatchupEntries?: number | undefined;
  /**
   * Most revisions that a compaction looks at before it pauses (0 means 1000). It pauses earlier when a few
   * milliseconds have passed. Default: 0.
   */
  readonly compactionBatchLimit?: number | undefined;
  /** How long a compaction pauses (0 means 10ms). In milliseconds. Default: 0. */
  readonly compactionSleepInterval?: number | undefined;
  /**
   * Time between two progress notifications of a watcher, 100ms at least (0 means 10m). In milliseconds.
   * Default: 0.
   */
  readonly watchProgressNotifyInterval?: number | undefined;
  /**
   * Time between two looks of the leader whether a downgrade has arrived (0 means never). In milliseconds.
   * Default: 5000.
   */
  readonly downgradeCheckTime?: number | undefined;
  /**
   * Time between two comparisons of the data that the leader makes (0 means never). In milliseconds. Default:
   * 0.
   */
  readonly corruptCheckTime?: number | undefined;
  /** Time between two comparisons of what compactions left. In milliseconds. Default: 60000. */
  readonly compactHashCheckTime?: number | undefined;
  /**
   * Megabytes of unused space from which on the database is defragmented at start (0 means never). Default:
   * 0.
   */
  readonly bootstrapDefragThresholdMegabytes?: number | undefined;
  /** Keep the memory of the process in RAM. Default: `false`. */
  readonly memoryMlock?: boolean | undefined;
  /** A request that takes longer to apply is warned of in the log. In milliseconds. Default: 100. */
  readonly warningApplyDuration?: number | undefined;
  /** A call that takes longer is warned of in the log (0 means 300ms). In milliseconds. Default: 0. */
  readonly warningUnaryRequestDuration?: number | undefined;
  /** Features to switch on or off: name=true or name=false, separated by commas. */
  readonly featureGates?: Readonly<Record<string, boolean>> | undefined;
  /** URLs under which the other members reach this one. Default: where it listens. */
  readonly initialAdvertisePeerUrls?: string | readonly string[] | undefined;
  /** The members of a new cluster: name=URL, separated by commas. Default: this member alone. */
  readonly initialCluster?: string | undefined;
  /**
   * Whether the cluster is new or exists already ('new' or 'existing'). Without effect once the member has
   * data. Default: `new`.
   */
  readonly initialClusterState?: "new" | "existing" | undefined;
  /**
   * Token of a new cluster. Clusters with the same members but other tokens have other ids. Default:
   * `etcd-cluster`.
   */
  readonly initialClusterToken?: string | undefined;
  /**
   * URLs under which clients reach this member, as told to clients and other members. Default:
   * where it listens.
   */
  readonly advertiseClientUrls?: string | readonly string[] | undefined;
  /** Ask for votes without disturbing a leader before calling an election. Default: `true`. */
  readonly preVote?: boolean | undefined;
  /** Refuse changes of the members that could cost the cluster its quorum. Default: `true`. */
  readonly strictReconfigCheck?: boolean | undefined;
  /** How much history auto-compaction keeps (0 means that there is none). Default: `0`. */
  readonly autoCompactionRetention?: string | undefined;
  /**
   * What that is: 'periodic', a time such as '5m', or hours without a unit; 'revision', a number of
   * revisions. Default: `periodic`.
   */
  readonly autoCompactionMode?: string | undefined;
  /**
   * URL of a discovery service of the v2 API, at which the members of a new cluster find each other. Default:
   * none.
   */
  readonly discovery?: string | undefined;
  /** What to do when the discovery service has its members already ('exit' or 'proxy'). Default: `proxy`. */
  readonly discoveryFallback?: "proxy" | "exit" | undefined;
  /** HTTP proxy for requests to the discovery service of the v2 API. Default: none. */
  readonly discoveryProxy?: string | undefined;
  /** DNS domain whose SRV records name the members of a new cluster. Default: none. */
  readonly discoverySrv?: string | undefined;
  /** Suffix of the name of the service in those records. Default: none. */
  readonly discoverySrvName?: string | undefined;
  /** Endpoints of the etcd cluster at which the members of a new cluster find each other. Default: none. */
  readonly discoveryEndpoints?: string | readonly string[] | undefined;
  /** Name of the new cluster there. Default: none. */
  readonly discoveryToken?: string | undefined;
  /** Time to connect to an endpoint of discovery. In milliseconds. Default: 2000. */
  readonly discoveryDialTimeout?: number | undefined;
  /** Time for a request of discovery, without connecting. In milliseconds. Default: 5000. */
  readonly discoveryRequestTimeout?: number | undefined;
  /** Time without traffic after which an endpoint of discovery is pinged. In milliseconds. Default: 2000. */
  readonly discoveryKeepaliveTime?: number | undefined;
  /** Time to wait for the answer to such a ping. In milliseconds. Default: 6000. */
  readonly discoveryKeepaliveTimeout?: number | undefined;
  /** Connect to the endpoints of discovery without TLS. Default: `true`. */
  readonly discoveryInsecureTransport?: boolean | undefined;
  /** Do not check the certificates of these endpoints. For tests alone. Default: `false`. */
  readonly discoveryInsecureSkipTlsVerify?: boolean | undefined;
  /** Client certificate for discovery. Default: none. */
  readonly discoveryCert?: string | undefined;
  /** Key of that certificate. Default: none. */
  readonly discoveryKey?: string | undefined;
  /** Certificates of the authorities that the endpoints of discovery are checked against. Default: none. */
  readonly discoveryCacert?: string | undefined;
  /** User of discovery, as name or name:password. Default: none. */
  readonly discoveryUser?: string | undefined;
  /** Password of that user. Default: none. */
  readonly discoveryPassword?: string | undefined;
  /** Serve the v2 API. It does not exist here. Default: `false`. */
  readonly enableV2?: boolean | undefined;
  /** What becomes of data of the v2 API. There is none here. Default: `not-yet`. */
  readonly v2Deprecation?: string | undefined;
  /** Certificate of the listeners for clients. Default: none. */
  readonly certFile?: string | undefined;
  /** Key of that certificate. Default: none. */
  readonly keyFile?: string | undefined;
  /** Certificate for connections that this member makes itself, when it is another. Default: none. */
  readonly clientCertFile?: string | undefined;
  /** Key of that certificate. Default: none. */
  readonly clientKeyFile?: string | undefined;
  /** Require a certificate of clients. Default: `false`. */
  readonly clientCertAuth?: boolean | undefined;
  /** Certificates of the authorities that theirs are checked against. Default: none. */
  readonly trustedCaFile?: string | undefined;
  /** Make certificates when none are given. Default: `false`. */
  readonly autoTls?: boolean | undefined;
  /** List of revoked certificates of clients. Default: none. */
  readonly clientCrlFile?: string | undefined;
  /** Host names, one of which the certificate of a client must have. Default: none. */
  readonly clientCertAllowedHostname?: string | readonly string[] | undefined;
  /** Common names, one of which the certificate of a client must have. Default: none. */
  readonly clientCertAllowedCn?: string | readonly string[] | undefined;
  /** Certificate of the listeners for peers. Default: none. */
  readonly peerCertFile?: string | undefined;
  /** Key of that certificate. Default: none. */
  readonly peerKeyFile?: string | undefined;
  /** Certificate for connections that this member makes itself, when it is another. Default: none. */
  readonly peerClientCertFile?: string | undefined;
  /** Key of that certificate. Default: none. */
  readonly peerClientKeyFile?: string | undefined;
  /** Require a certificate of peers. Default: `false`. */
  readonly peerClientCertAuth?: boolean | undefined;
  /** Certificates of the authorities that theirs are checked against. Default: none. */
  readonly peerTrustedCaFile?: string | undefined;
  /** Make certificates when none are given. Default: `false`. */
  readonly peerAutoTls?: boolean | undefined;
  /** List of revoked certificates of peers. Default: none. */
  readonly peerCrlFile?: string | undefined;
  /** Common names, one of which the certificate of a peer must have. Default: none. */
  readonly peerCertAllowedCn?: string | readonly string[] | undefined;
  /** Host names, one of which the certificate of a peer must have. Default: none. */
  readonly peerCertAllowedHostname?: string | readonly string[] | undefined;
  /** Do not compare the names in the client certificates of peers with their addresses. Default: `false`. */
  readonly peerSkipClientSanVerification?: boolean | undefined;
  /** Years for which certificates of `autoTls` and `peerAutoTls` are valid. Default: 1. */
  readonly selfSignedCertValidity?: number | undefined;
  /** Cipher suites of TLS 1.2, by their names in Go (empty means a good choice). Default: none. */
  readonly cipherSuites?: string | readonly string[] | undefined;
  /** Origins from which browsers may call (empty or * means all). Default: `*`. */
  readonly cors?: string | readonly string[] | undefined;
  /** Host names in HTTP requests that are accepted without TLS (empty or * means all). Default: `*`. */
  readonly hostWhitelist?: string | readonly string[] | undefined;
  /** Least version of TLS: TLS1.2 or TLS1.3. Default: `TLS1.2`. */
  readonly tlsMinVersion?: string | undefined;
  /** Greatest version of TLS: TLS1.2 or TLS1.3 (empty means the greatest there is). Default: none. */
  readonly tlsMaxVersion?: string | undefined;
  /**
   * Kind of tokens and its options ('simple' or 'jwt,sign-method=...,pub-key=...,priv-key=...,ttl=...').
   * Default: `simple`.
   */
  readonly authToken?: string | undefined;
  /** Cost of a hashed password, from 4 to 31. Default: 10. */
  readonly bcryptCost?: number | undefined;
  /** Seconds after which a simple token that is not used ends. Default: 300. */
  readonly authTokenTtl?: number | undefined;
  /** Serve profiles under /debug/pprof/ of the client URLs. Default: `false`. */
  readonly enablePprof?: boolean | undefined;
  /** How much /metrics tells: 'basic', or 'extensive' with a histogram of each call. Default: `basic`. */
  readonly metrics?: string | undefined;
  /** URLs to listen on for /metrics and /health alone. Default: none. */
  readonly listenMetricsUrls?: string | readonly string[] | undefined;
  /** Form of the log: 'zap' is one JSON object a line. Default: `zap`. */
  readonly logger?: string | undefined;
  /**
   * Where the log goes: 'stderr' (as 'default'), 'stdout', 'systemd/journal' or paths of files, separated by
   * commas. Default: none.
   */
  readonly logOutputs?: string | readonly string[] | undefined;
  /** Least level that is logged: debug, info, warn, error, panic or fatal. Default: `info`. */
  readonly logLevel?: string | undefined;
  /** Form of a line of the log: 'json' or 'console'. Default: `json`. */
  readonly logFormat?: string | undefined;
  /** Start a new log file when the one that `logOutputs` names is full. Default: `false`. */
  readonly enableLogRotation?: boolean | undefined;
  /**
   * When it is full (maxsize, megabytes), and how many old ones stay for how long (maxbackups, maxage in
   * days; 0 means no limit). Default:
   * `{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}`.
   */
  readonly logRotationConfigJson?: string | undefined;
  /**
   * File for a line about each request: who did what to which keys, when, with what result. Not a flag of
   * etcd. '-' means standard output. Default: none.
   */
  readonly auditLog?: string | undefined;
  /** Days that old audit files are kept (0 means no limit). Default: 0. */
  readonly auditLogMaxage?: number | undefined;
  /** Most old audit files to keep (0 means no limit). Default: 0. */
  readonly auditLogMaxbackups?: number | undefined;
  /** Another name of `auditLog`. Default: none. */
  readonly auditLogPath?: string | undefined;
  /** Another name of `auditLogMaxbackups`. Default: 0. */
  readonly auditLogMaxbackup?: number | undefined;
  /** Megabytes at which a new audit file is started. Default: 100. */
  readonly auditLogMaxsize?: number | undefined;
  /** Send spans of calls to a collector. Default: `false`. */
  readonly enableDistributedTracing?: boolean | undefined;
  /** Address of the collector, OTLP over gRPC. Default: `localhost:4317`. */
  readonly distributedTracingAddress?: string | undefined;
  /** Name of the service in the spans, the same for all members. Default: `etcd`. */
  readonly distributedTracingServiceName?: string | undefined;
  /** Name of this member in the spans. Default: none. */
  readonly distributedTracingInstanceId?: string | undefined;
  /** Spans to send of a million. Default: 0. */
  readonly distributedTracingSamplingRate?: number | undefined;
  /** Send spans of calls to a collector. Default: `false`. */
  readonly experimentalEnableDistributedTracing?: boolean | undefined;
  /** Address of the collector, OTLP over gRPC. Default: `localhost:4317`. */
  readonly experimentalDistributedTracingAddress?: string | undefined;
  /** Name of the service in the spans, the same for all members. Default: `etcd`. */
  readonly experimentalDistributedTracingServiceName?: string | undefined;
  /** Name of this member in the spans. Default: none. */
  readonly experimentalDistributedTracingInstanceId?: string | undefined;
  /** Spans to send of a million. Default: 0. */
  readonly experimentalDistributedTracingSamplingRate?: number | undefined;
  /** Be a proxy of the v2 API ('off', 'readonly' or 'on'). It does not exist here. Default: `off`. */
  readonly proxy?: "off" | "readonly" | "on" | undefined;
  /** Milliseconds that it leaves an endpoint alone which failed. Default: 5000. */
  readonly proxyFailureWait?: number | undefined;
  /** Milliseconds between two looks for endpoints. Default: 30000. */
  readonly proxyRefreshInterval?: number | undefined;
  /** Milliseconds to connect. Default: 1000. */
  readonly proxyDialTimeout?: number | undefined;
  /** Milliseconds to write. Default: 5000. */
  readonly proxyWriteTimeout?: number | undefined;
  /** Milliseconds to read. Default: 0. */
  readonly proxyReadTimeout?: number | undefined;
  /** Entries of the log that stay behind a snapshot, for followers that are slow. Default: 5000. */
  readonly experimentalSnapshotCatchupEntries?: number | undefined;
  /**
   * Most revisions that a compaction looks at before it pauses (0 means 1000). It pauses earlier when a few
   * milliseconds have passed. Default: 0.
   */
  readonly experimentalCompactionBatchLimit?: number | undefined;
  /** How long a compaction pauses (0 means 10ms). In milliseconds. Default: 0. */
  readonly experimentalCompactionSleepInterval?: number | undefined;
  /**
   * Keep damaged data aside and catch up from the other members instead of refusing to start. Not a flag of
   * etcd: see docs/internals/snapshots.md. Default: `false`.
   */
  readonly experimentalRepairFromPeers?: boolean | undefined;
  /** Compare the data with that of the other members before serving. Default: `false`. */
  readonly experimentalInitialCorruptCheck?: boolean | undefined;
  /**
   * Time between two comparisons of the data that the leader makes (0 means never). In milliseconds. Default:
   * 0.
   */
  readonly experimentalCorruptCheckTime?: number | undefined;
  /** Let the leader compare what compactions left. Default: `false`. */
  readonly experimentalCompactHashCheckEnabled?: boolean | undefined;
  /** Time between two such comparisons. In milliseconds. Default: 60000. */
  readonly experimentalCompactHashCheckTime?: number | undefined;
  /** A request that takes longer is warned of in the log. In milliseconds. Default: 100. */
  readonly experimentalWarningApplyDuration?: number | undefined;
  /**
   * Time between two looks of the leader whether a downgrade has arrived (0 means never). In milliseconds.
   * Default: 5000.
   */
  readonly experimentalDowngradeCheckTime?: number | undefined;
  /**
   * Megabytes of unused space from which on the database is defragmented at start (0 means never). Default:
   * 0.
   */
  readonly experimentalBootstrapDefragThresholdMegabytes?: number | undefined;
  /** Promote learners by themselves once they have caught up. Default: `false`. */
  readonly experimentalLearnerAutoPromote?: boolean | undefined;
  /**
   * Tell the other members every five minutes how much of a long lease is left, so that a change of leader
   * does not start it anew. Default: `false`.
   */
  readonly experimentalEnableLeaseCheckpoint?: boolean | undefined;
  /**
   * Keep what is left of leases over a restart, too. Needs `experimentalEnableLeaseCheckpoint`. Default:
   * `false`.
   */
  readonly experimentalEnableLeaseCheckpointPersist?: boolean | undefined;
  /**
   * Time between two progress notifications of a watcher, 100ms at least (0 means 10m). In milliseconds.
   * Default: 0.
   */
  readonly experimentalWatchProgressNotifyInterval?: number | undefined;
  /** Serve the v2 API from keys under a prefix. It does not exist here. Default: none. */
  readonly experimentalEnableV2v3?: string | undefined;
  /** Do not compare the names in the client certificates of peers with their addresses. Default: `false`. */
  readonly experimentalPeerSkipClientSanVerification?: boolean | undefined;
  /** Keep the memory of the process in RAM. Default: `false`. */
  readonly experimentalMemoryMlock?: boolean | undefined;
  /** Let the checks of a transaction read through the buffer of its writes. Default: `true`. */
  readonly experimentalTxnModeWriteWithSharedBuffer?: boolean | undefined;
  /** Stop serving clients during a defragmentation. Default: `false`. */
  readonly experimentalStopGrpcServiceOnDefrag?: boolean | undefined;
  /** The earlier name of `warningUnaryRequestDuration`. In milliseconds. Default: 0. */
  readonly experimentalWarningUnaryRequestDuration?: number | undefined;
  /**
   * Make a cluster of this member alone out of its data, when the others are lost for good. Their ids must
   * not come back: remove their data. Start without it afterwards. Default: `false`.
   */
  readonly forceNewCluster?: boolean | undefined;
  /** Do not wait for the disk. A crash of the machine loses data. Default: `false`. */
  readonly unsafeNoFsync?: boolean | undefined;
  /**
   * Check the data directory of a member that does not run, repair what can be repaired without losing an
   * acknowledged write, say what was done, and end. Keeps copies. Not a flag of etcd. Default: `false`.
   */
  readonly repair?: boolean | undefined;
}
