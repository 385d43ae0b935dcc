/** What one run of the tool carries from its start to its end. */
import type { Call, Command } from "../command.ts";
import type { FileSession } from "../file-tools.ts";

export type UtlSession = FileSession;
export type EtcdutlCommand = Command<UtlSession>;
export type EtcdutlCall = Call<UtlSession>;
