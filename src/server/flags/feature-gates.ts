/**
 * --feature-gates: features by name, switched on or off.
 *
 * Source: etcd pkg/featuregate, server/features (3.6, 3.7).
 */
import { GoNumberError, parseGoBool } from "../../stdx/go-number.ts";
import type { FlagKind } from "./kinds.ts";
import { FlagRefusal } from "./refusal.ts";

/** Whether a feature is on when nobody says so. */
const FEATURES = {
  StopGRPCServiceOnDefrag: false,
  InitialCorruptCheck: false,
  CompactHashCheck: false,
  TxnModeWriteWithSharedBuffer: true,
  LeaseCheckpoint: false,
  LeaseCheckpointPersist: false,
  SetMemberLocalAddr: false,
  FastLeaseKeepAlive: true,
  PriorityRequest: false,
} as const;

export type Feature = keyof typeof FEATURES;

/** What --feature-gates may name beside features: all of a stage at once. */
const ALL_ALPHA = "AllAlpha";
const ALL_BETA = "AllBeta";

const BETA: ReadonlySet<string> = new Set<Feature>([
  "TxnModeWriteWithSharedBuffer",
  "FastLeaseKeepAlive",
]);

/** Features and stages that are switched explicitly. */
export type FeatureGates = ReadonlyMap<string, boolean>;

/** `name=bool` separated by commas; a flag given twice switches what both name. */
export const gates: FlagKind<FeatureGates> = {
  isBool: false,
  parse(text, current) {
    const switched = new Map(current);
    for (const part of text.split(",")) {
      if (part === "") continue;
      const [name, ...rest] = part.split("=");
      const feature = name.trim();
      if (rest.length === 0) return new FlagRefusal(`missing bool value for ${feature}`);
      const value = rest.join("=").trim();
      const isOn = parseGoBool(value);
      if (isOn instanceof GoNumberError) {
        return new FlagRefusal(`invalid value of ${feature}=${value}, err: ${isOn.message}`);
      }
      if (!isKnown(feature)) return new FlagRefusal(`unrecognized feature gate: ${feature}`);
      switched.set(feature, isOn);
    }
    return switched;
  },
};

/** Whether `feature` is on: as it is named itself, else as its stage is, else by default. */
export function isFeatureOn(switched: FeatureGates, feature: Feature): boolean {
  const stage = BETA.has(feature) ? ALL_BETA : ALL_ALPHA;
  return switched.get(feature) ?? switched.get(stage) ?? FEATURES[feature];
}

/** A feature as metrics tell it. */
export interface FeatureState {
  readonly name: string;
  readonly stage: "ALPHA" | "BETA";
  readonly isOn: boolean;
}

/** All features there are. */
export function featureStates(switched: FeatureGates): FeatureState[] {
  return (Object.keys(FEATURES) as Feature[]).map((name) => ({
    name,
    stage: BETA.has(name) ? "BETA" : "ALPHA",
    isOn: isFeatureOn(switched, name),
  }));
}

function isKnown(name: string): boolean {
  return name in FEATURES || name === ALL_ALPHA || name === ALL_BETA;
}
