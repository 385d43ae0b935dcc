/** Items that wait for their one reader, in order. Whoever fills it keeps it bounded. */
import { assert } from "../stdx/assert.ts";

export class Inbox<T> {
  /** Items that were not read yet, oldest at `#head`. */
  #items: T[] = [];
  #head = 0;
  #isEnded = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  /** Items that were not read yet. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#wakeReader();
  }

  /** Nothing will come any more: the reader is told so, or gets `error`, behind what is there. Once. */
  end(error?: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    this.#wakeReader();
  }

  /** Drops what is there. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
  }

  /** The next item, `undefined` behind the last one. Throws the error of the end. One reader at a time. */
  async next(): Promise<T | undefined> {
    assert(this.#wake === undefined, "There is one reader at a time");
    while (this.#head >= this.#items.length) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const item = this.#items[this.#head++];
    if (this.#head === this.#items.length) this.clear();
    return item;
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** Something whose answers come one at a time, up to `undefined`. */
interface AnswerSource<T> {
  next(): Promise<T | undefined>;
  cancel(): void;
}

/** The answers up to the end, for `for await`. Leaving the loop early cancels. */
export async function* answersOf<T>(source: AnswerSource<T>): AsyncGenerator<T, void, undefined> {
  try {
    for (;;) {
      const answer = await source.next();
      if (answer === undefined) return;
      yield answer;
    }
  } finally {
    source.cancel();
  }
}
