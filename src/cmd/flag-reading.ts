/** The flags of one command line, with the values they have so far. */
import { bool, type FlagKind } from "../server/flags/kinds.ts";
import { IGNORED_FLAGS } from "../server/flags/inert-flags.ts";
import { FlagRefusal } from "../server/flags/refusal.ts";
import {
  FLAG_NAMES,
  FLAGS,
  type FlagName,
  type FlagValues,
  initialFlagValues,
} from "../server/flags/table.ts";
import type { FlagTarget } from "./flag.ts";

export class FlagReading {
  readonly values: FlagValues = initialFlagValues();
  readonly targets = new Map<string, FlagTarget>();
  printVersion = false;
  configFile = "";

  constructor() {
    for (const name of FLAG_NAMES) {
      if (FLAGS[name].isOnlyInFiles !== true) this.targets.set(name, this.#target(name));
    }
    for (const name of IGNORED_FLAGS) {
      this.targets.set(name, { isBool: true, set: () => undefined });
    }
    this.targets.set("config-file", {
      isBool: false,
      set: (text) => {
        this.configFile = text;
        return undefined;
      },
    });
    this.targets.set("version", {
      isBool: true,
      set: (text) => {
        const value = bool.parse(text, false);
        if (value instanceof FlagRefusal) return value.message;
        this.printVersion = value;
        return undefined;
      },
    });
  }

  #target<Name extends FlagName>(name: Name): FlagTarget {
    const kind: FlagKind<FlagValues[Name]> = FLAGS[name].kind;
    return {
      isBool: kind.isBool,
      set: (text) => {
        const value = kind.parse(text, this.values[name]);
        if (value instanceof FlagRefusal) return value.message;
        this.values[name] = value;
        return undefined;
      },
    };
  }
}
