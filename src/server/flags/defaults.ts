/** Defaults of flags that more than one place must know. Source: etcd server/embed/config.go (3.5). */

export const DEFAULT_CLIENT_URL = "http://localhost:2379";
export const DEFAULT_PEER_URL = "http://localhost:2380";
export const DEFAULT_NAME = "default";
export const DEFAULT_INITIAL_CLUSTER: string = `${DEFAULT_NAME}=${DEFAULT_PEER_URL}`;
export const DEFAULT_LOG_ROTATION =
  '{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}';
