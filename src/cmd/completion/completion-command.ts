/**
 * The command `completion`, which every tool has: it prints a script for a shell.
 *
 * Source: spf13/cobra 1.8 (InitDefaultCompletionCmd: names, descriptions, flags).
 */
import type { Call, CommandSpec } from "../command.ts";
import { FlagSet } from "../pflag.ts";
import type { ToolIo } from "../tool-io.ts";

interface WithOutput {
  readonly io: ToolIo;
}

const NEW_SHELL = "You will need to start a new shell for this setup to take effect.";

const THIS_SESSION = "To load completions in your current shell session:";

const EVERY_SESSION = "To load completions for every new session";

/** The command for `program`. */
export function completionCommand<C extends WithOutput>(program: string): CommandSpec<C> {
  return {
    use: "completion",
    short: "Generate the autocompletion script for the specified shell",
    long: `Generate the autocompletion script for ${program} for the specified shell.
See each sub-command's help for details on how to use the generated script.`,
    completes: "nothing",
    commands: [
      { ...shell("bash", bashHelp(program), program), hidesFlagsInUse: true },
      shell("fish", fishHelp(program), program),
      shell("powershell", powershellHelp(program), program),
      shell("zsh", zshHelp(program), program),
    ],
  };
}

function shell<C extends WithOutput>(
  name: "bash" | "fish" | "powershell" | "zsh",
  help: string,
  program: string,
): CommandSpec<C> {
  const of = name === "powershell" ? name : `the ${name} shell`;
  return {
    use: name,
    short: `Generate the autocompletion script for ${name}`,
    long: `Generate the autocompletion script for ${of}.\n\n${help}`,
    flags: new FlagSet().bool("no-descriptions", false, "disable completion descriptions"),
    completes: "nothing",
    takesNoArguments: true,
    run: async ({ io }: C, { flags }: Call<C>) => {
      const { completionScript } = await import("./scripts.ts");
      io.out(completionScript(name, program, !flags.getBool("no-descriptions")));
    },
  };
}

function bashHelp(program: string): string {
  return `This script depends on the 'bash-completion' package.
If it is not installed already, you can install it via your OS's package manager.

${THIS_SESSION}

	source <(${program} completion bash)

${EVERY_SESSION}, execute once:

#### Linux:

	${program} completion bash > /etc/bash_completion.d/${program}

#### macOS:

	${program} completion bash > $(brew --prefix)/etc/bash_completion.d/${program}

${NEW_SHELL}`;
}

function fishHelp(program: string): string {
  return `${THIS_SESSION}

	${program} completion fish | source

${EVERY_SESSION}, execute once:

	${program} completion fish > ~/.config/fish/completions/${program}.fish

${NEW_SHELL}`;
}

function powershellHelp(program: string): string {
  return `${THIS_SESSION}

	${program} completion powershell | Out-String | Invoke-Expression

${EVERY_SESSION}, add the output of the above command
to your powershell profile.`;
}

function zshHelp(program: string): string {
  return `If shell completion is not already enabled in your environment you will need
to enable it.  You can execute the following once:

	echo "autoload -U compinit; compinit" >> ~/.zshrc

${THIS_SESSION}

	source <(${program} completion zsh)

${EVERY_SESSION}, execute once:

#### Linux:

	${program} completion zsh > "\${fpath[1]}/_${program}"

#### macOS:

	${program} completion zsh > $(brew --prefix)/share/zsh/site-functions/_${program}

${NEW_SHELL}`;
}
