/**
 * The state and the upkeep of single members.
 *
 * Source: etcd client/v3/maintenance.go.
 */
import {
  AlarmAction,
  type AlarmMember,
  type AlarmResponse,
  AlarmType,
  createAlarmResponse,
  type DefragmentResponse,
  type DowngradeAction,
  type DowngradeResponse,
  type HashKVResponse,
  type MoveLeaderResponse,
  type SnapshotResponse,
  type StatusResponse,
} from "../wire/gen/rpc.ts";
import { MaintenanceService } from "../wire/gen/services.ts";
import type { CallOptions } from "./call-options.ts";
import type { Channel } from "./channel.ts";

/**
 * Every method throws `EtcdError`. Those that take an `endpoint` go to the member behind it, over a connection
 * of their own; the others to any member.
 */
export class Maintenance {
  readonly #channel: Channel;
  readonly #dial: (endpoint: string) => Promise<Channel>;
  readonly #dialed = new Set<Channel>();
  #isClosed = false;

  constructor(channel: Channel, dial: (endpoint: string) => Promise<Channel>) {
    this.#channel = channel;
    this.#dial = dial;
  }

  /** What the member behind `endpoint` says of itself. */
  status(endpoint: string, options?: CallOptions): Promise<StatusResponse> {
    return this.#at(endpoint, (channel) =>
      channel.call(MaintenanceService.status, {}, "repeatable", options),
    );
  }

  /** Gives the unused space of the member's database back to its file system. */
  defragment(endpoint: string, options?: CallOptions): Promise<DefragmentResponse> {
    return this.#at(endpoint, (channel) =>
      channel.call(MaintenanceService.defragment, {}, "once", options),
    );
  }

  /** Hash of the member's keys up to `revision`; 0 for its newest one. */
  hashKv(endpoint: string, revision: number, options?: CallOptions): Promise<HashKVResponse> {
    return this.#at(endpoint, (channel) =>
      channel.call(MaintenanceService.hashKV, { revision }, "repeatable", options),
    );
  }

  /**
   * The database of a member as it is now, in pieces, followed by the 32 bytes of its SHA-256. With several
   * endpoints it is any member's, unless one is given. Leaving the loop early ends the transfer.
   */
  async *snapshot(
    options?: CallOptions,
    endpoint?: string,
  ): AsyncGenerator<SnapshotResponse, void, undefined> {
    const { snapshot } = MaintenanceService;
    const channel = endpoint === undefined ? this.#channel : await this.#open(endpoint);
    try {
      yield* channel.serverStream(snapshot, {}, options);
    } finally {
      if (channel !== this.#channel) this.#close(channel);
    }
  }

  /** Makes the member `targetId` the leader. Asked of a member that is not the leader, it is refused. */
  moveLeader(
    targetId: bigint,
    options?: CallOptions,
    endpoint?: string,
  ): Promise<MoveLeaderResponse> {
    const { moveLeader } = MaintenanceService;
    const ask = (channel: Channel): Promise<MoveLeaderResponse> =>
      channel.call(moveLeader, { targetId }, "repeatable", options);
    return endpoint === undefined ? ask(this.#channel) : this.#at(endpoint, ask);
  }

  /** Validates, enables or cancels a downgrade of the cluster to `version`. */
  downgrade(
    action: DowngradeAction,
    version: string,
    options?: CallOptions,
  ): Promise<DowngradeResponse> {
    const request = { action, version };
    return this.#channel.call(MaintenanceService.downgrade, request, "once", options);
  }

  /** The alarms of all members. */
  alarmList(options?: CallOptions): Promise<AlarmResponse> {
    const request = { action: AlarmAction.GET };
    return this.#channel.call(MaintenanceService.alarm, request, "repeatable", options);
  }

  /**
   * Takes back one alarm of one member, or without `which` every alarm there is, one request each; then the
   * response has no header. Its alarms are those taken back.
   */
  async alarmDisarm(which?: AlarmMember, options?: CallOptions): Promise<AlarmResponse> {
    if (which !== undefined && (which.memberId !== 0n || which.alarm !== AlarmType.NONE)) {
      const request = { action: AlarmAction.DEACTIVATE, ...which };
      return this.#channel.call(MaintenanceService.alarm, request, "repeatable", options);
    }
    const disarmed: AlarmMember[] = [];
    for (const alarm of (await this.alarmList(options)).alarms) {
      disarmed.push(...(await this.alarmDisarm(alarm, options)).alarms);
    }
    return createAlarmResponse({ alarms: disarmed });
  }

  /** Ends the calls to single members. */
  close(): void {
    this.#isClosed = true;
    for (const channel of this.#dialed) channel.close();
  }

  async #at<T>(endpoint: string, run: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.#open(endpoint);
    try {
      return await run(channel);
    } finally {
      this.#close(channel);
    }
  }

  async #open(endpoint: string): Promise<Channel> {
    const channel = await this.#dial(endpoint);
    // Closed while it was opened: calls on it end at once.
    if (this.#isClosed) channel.close();
    this.#dialed.add(channel);
    return channel;
  }

  #close(channel: Channel): void {
    channel.close();
    this.#dialed.delete(channel);
  }
}
