/**
 * Alarms that members have raised: NOSPACE (the quota is used up) and CORRUPT (members disagree). They
 * stay until an operator disarms them, across restarts. A pure value; bucket `alarm` keeps it durable.
 *
 * Source: etcd server/etcdserver/api/v3alarm.
 */
import { type AlarmMember, AlarmType } from "../wire/gen/rpc.ts";

export class Alarms {
  readonly #raised = new Map<string, AlarmMember>();

  /** Raises an alarm; false when it was raised already. */
  activate(alarm: AlarmMember): boolean {
    const key = keyOf(alarm);
    if (this.#raised.has(key)) return false;
    this.#raised.set(key, alarm);
    return true;
  }

  /** Disarms an alarm; false when it was not raised. */
  deactivate(alarm: AlarmMember): boolean {
    return this.#raised.delete(keyOf(alarm));
  }

  /** Raised alarms of a type, `NONE` for all types, in the order they were raised. */
  list(type: AlarmType): AlarmMember[] {
    const all = [...this.#raised.values()];
    return type === AlarmType.NONE ? all : all.filter((raised) => raised.alarm === type);
  }

  /**
   * Whether any member has raised an alarm of this type, and what it forbids is forbidden.
   *
   * Differs from etcd: it forgets what all alarms forbid when one of them is disarmed, and also what the
   * first one forbids when a second one of another type is raised, until it starts again.
   */
  isRaised(type: AlarmType): boolean {
    if (this.#raised.size === 0) return false;
    return this.list(type).length > 0;
  }
}

function keyOf(alarm: AlarmMember): string {
  return `${alarm.memberId}/${alarm.alarm}`;
}
