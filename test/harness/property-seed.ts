/**
 * Makes property tests the same in every run: one seed for all, PROPERTY_SEED or the default; "random"
 * draws a new one each time, for runs that search. A failure prints its seed either way.
 */
import fc from "fast-check";

const DEFAULT_SEED = 20_261_121;

/** The seed of this run, `undefined` for a random one. */
export const PROPERTY_SEED: number | undefined = seedOf(process.env["PROPERTY_SEED"]);

function seedOf(given: string | undefined): number | undefined {
  if (given === "random") return undefined;
  return given === undefined || given === "" ? DEFAULT_SEED : Number(given);
}

// Left to itself fast-check makes lists of about ten, whatever length they may have.
fc.configureGlobal({
  defaultSizeToMaxWhenMaxSpecified: true,
  ...(PROPERTY_SEED === undefined ? {} : { seed: PROPERTY_SEED }),
});
