/** The state of single members. */
import { AlarmAction, type AlarmResponse, type StatusResponse } from "../wire/gen/rpc.ts";
import { MaintenanceService } from "../wire/gen/services.ts";
import type { CallOptions, Channel } from "./channel.ts";

/** Every method throws `EtcdError`. */
export class Maintenance {
  readonly #channel: Channel;
  readonly #dial: (endpoint: string) => Promise<Channel>;

  constructor(channel: Channel, dial: (endpoint: string) => Promise<Channel>) {
    this.#channel = channel;
    this.#dial = dial;
  }

  /** What the member behind `endpoint` says of itself, over a connection of its own. */
  async status(endpoint: string, options?: CallOptions): Promise<StatusResponse> {
    const channel = await this.#dial(endpoint);
    try {
      return await channel.call(MaintenanceService.status, {}, "repeatable", options);
    } finally {
      channel.close();
    }
  }

  /** The alarms of all members. */
  alarmList(options?: CallOptions): Promise<AlarmResponse> {
    const request = { action: AlarmAction.GET };
    return this.#channel.call(MaintenanceService.alarm, request, "repeatable", options);
  }
}
