/** The forms in which etcd's tools print answers (`--write-out`). */
import { ExitCode, ToolExit } from "./tool-exit.ts";

const FORMS = ["simple", "fields", "json", "protobuf", "table"] as const;

export type OutputForm = (typeof FORMS)[number];

/** The form that `name` names; an unknown name ends the tool. */
export function outputForm(name: string): OutputForm {
  const form = FORMS.find((known) => known === name);
  if (form !== undefined) return form;
  throw new ToolExit(ExitCode.BAD_FEATURE, "unsupported output format");
}

/** What is done with an answer that a form does not have. */
export function unsupported(form: OutputForm): never {
  throw new ToolExit(ExitCode.BAD_FEATURE, `${form} not supported as output format`);
}

/** Where a printer writes. */
export type Out = (text: string) => void;

/** A printer of some kind of answer in each form. */
export type Printers<P> = Readonly<Record<OutputForm, (out: Out) => P>>;
