/**
 * What the client needs of an `AbortSignal`, which the platform's own satisfies. Declared here because the
 * client has no types of any platform.
 */
export interface CancelSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
