/** A page of metrics, read as Prometheus reads it. */

export interface ScrapedFamily {
  readonly type: string;
  readonly help: string;
  /** By name and labels, as on the page. */
  readonly samples: Map<string, number>;
}

export class ScrapedPage {
  readonly families = new Map<string, ScrapedFamily>();

  constructor(text: string) {
    let family: ScrapedFamily = { type: "", help: "", samples: new Map() };
    let help = "";
    for (const line of text.split("\n")) {
      const comment = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line);
      if (comment?.[1] === "HELP") {
        [, , , help] = comment;
      } else if (comment !== null) {
        family = { type: comment[3], help, samples: new Map() };
        this.families.set(comment[2], family);
      } else if (line !== "") {
        const at = line.lastIndexOf(" ");
        family.samples.set(line.slice(0, at), readValue(line.slice(at + 1)));
      }
    }
  }

  /**
   * The sum of all samples that begin with `start`, such as `etcd_mvcc_put_total`,
   * `grpc_server_started_total{grpc_method="Put"` or the `_count` of a histogram; 0 when there is none.
   */
  sum(start: string): number {
    let sum = 0;
    for (const { samples } of this.families.values()) {
      for (const [sample, value] of samples) {
        if (sample === start || sample.startsWith(start.includes("{") ? start : `${start}{`)) {
          sum += value;
        }
      }
    }
    return sum;
  }

  /** What a family looks like: its labels, and the buckets of a histogram. */
  shapeOf(name: string): { readonly labels: string; readonly buckets: string } {
    const labels = new Set<string>();
    const buckets = new Set<string>();
    for (const sample of this.families.get(name)?.samples.keys() ?? []) {
      for (const [, label, value] of sample.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
        if (label === "le") buckets.add(value);
        else labels.add(label);
      }
    }
    return { labels: [...labels].join(), buckets: [...buckets].join() };
  }
}

/** Asks `endpoint` for its page. */
export async function scrape(endpoint: string): Promise<ScrapedPage> {
  const response = await fetch(`http://${endpoint}/metrics`);
  return new ScrapedPage(await response.text());
}

function readValue(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : Number(text);
}
