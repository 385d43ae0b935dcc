/**
 * Scripts that make a shell ask a tool what could follow a command line. Each sends the words so far to
 * `<tool> __complete`, offers the lines of the answer, and files where the last line, `:<number>`, lacks bit 4.
 */
export type Shell = "bash" | "fish" | "powershell" | "zsh";

/** The script of `shell` for `program`, with or without what candidates mean beside them. */
export function completionScript(shell: Shell, program: string, withDescriptions: boolean): string {
  const request = withDescriptions ? "__complete" : "__completeNoDesc";
  // No shell's names of variables may have a hyphen.
  const own = `__${program.replaceAll("-", "_")}`;
  return SCRIPTS[shell]
    .replaceAll("__@program@", own)
    .replaceAll("@program@", program)
    .replaceAll("@request@", request);
}

const BASH = String.raw`# bash completion for @program@

# Splits what is typed up to the cursor into the array words, without quotes. Bash's own words also end
# at "=" and ":".
__@program@_split() {
    local line=$1 word="" quote="" begun="" char i
    words=()
    for ((i = 0; i < \${#line}; i++)); do
        char=\${line:i:1}
        if [[ -n $quote ]]; then
            if [[ $char == "$quote" ]]; then quote=""; else word+=$char; fi
        elif [[ $char == [\'\"] ]]; then
            quote=$char begun=1
        elif [[ $char == \\ ]]; then
            ((++i))
            word+=\${line:i:1} begun=1
        elif [[ $char == [[:space:]] ]]; then
            if [[ -n $begun ]]; then words+=("$word"); fi
            word="" begun=""
        else
            word+=$char begun=1
        fi
    done
    words+=("$word")
}

# Puts what candidates mean behind them, in a column.
__@program@_describe() {
    local width=0 index name about room
    for name in "\${COMPREPLY[@]%%$'\t'*}"; do
        if ((\${#name} > width)); then width=\${#name}; fi
    done
    for index in "\${!COMPREPLY[@]}"; do
        [[ \${COMPREPLY[index]} == *$'\t'* ]] || continue
        name=\${COMPREPLY[index]%%$'\t'*}
        about=\${COMPREPLY[index]#*$'\t'}
        room=$((\${COLUMNS:-80} - width - 4))
        if ((room < 1)); then about=""; elif ((\${#about} > room)); then about=\${about:0:room}; fi
        printf -v "COMPREPLY[index]" "%-*s  (%s)" "$width" "$name" "$about"
    done
}

__start_@program@() {
    local words answer candidate typed directive
    COMPREPLY=()
    __@program@_split "\${COMP_LINE:0:COMP_POINT}"
    typed=\${words[\${#words[@]} - 1]}
    answer=$("\${words[0]/#\~/$HOME}" @request@ "\${words[@]:1}" 2>/dev/null) || return
    directive=\${answer##*:}
    while IFS= read -r candidate; do
        if [[ -n $candidate && $candidate == "$typed"* ]]; then COMPREPLY+=("$candidate"); fi
    done <<<"\${answer%:*}"
    if (((directive & 4) != 0)); then compopt +o default 2>/dev/null; fi
    # Only where candidates are listed (after a second tab) they can be read: 33 "!", 63 "?", 64 "@".
    if ((\${#COMPREPLY[@]} > 1)) && [[ \${COMP_TYPE:-9} == @(33|63|64) ]]; then
        __@program@_describe
    else
        COMPREPLY=("\${COMPREPLY[@]%%$'\t'*}")
    fi
}

complete -o default -F __start_@program@ @program@
`;

const ZSH = String.raw`#compdef @program@
compdef _@program@ @program@

# zsh completion for @program@

_@program@() {
    local -a answer described
    local line name directive
    answer=("\${(@f)$(\${~\${(Q)words[1]}} @request@ "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    directive=\${answer[-1]#:}
    for line in "\${(@)answer[1,-2]}"; do
        name=\${\${line%%$'\t'*}//:/\\:}
        if [[ $line == *$'\t'* ]]; then name+=":\${line#*$'\t'}"; fi
        described+=("$name")
    done
    if (( $#described )); then
        _describe completions described
    elif (( (directive & 4) == 0 )); then
        _files
    fi
}

# Called at once where it is loaded by its first use, not where it is sourced.
if [ "$funcstack[1]" = "_@program@" ]; then
    _@program@
fi
`;

const FISH = String.raw`# fish completion for @program@

# Asks what could follow, once for a line; true where nothing but that may stand there.
function __@program@_ask
    set -l line (commandline -cp)
    if not set -q __@program@_line; or test "$line" != "$__@program@_line"
        set -l words (commandline -opc)
        set -l program $words[1]
        set -e words[1]
        set -l current (commandline -ct)
        set -g __@program@_answer ($program @request@ $words "$current" 2>/dev/null)
        set -g __@program@_directive 0
        if set -q __@program@_answer[1]
            set -g __@program@_directive (string sub -s 2 -- $__@program@_answer[-1])
            set -e __@program@_answer[-1]
        end
        set -g __@program@_line $line
    end
    test (math "floor($__@program@_directive / 4) % 2") -eq 1
end

function __@program@_candidates
    if set -q __@program@_answer[1]
        printf '%s\n' $__@program@_answer
    end
end

complete -c @program@ -e
complete -c @program@ -n __@program@_ask -f -a '(__@program@_candidates)'
complete -c @program@ -n 'not __@program@_ask' -a '(__@program@_candidates)'
`;

const POWERSHELL = String.raw`# powershell completion for @program@

Register-ArgumentCompleter -Native -CommandName '@program@' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object { "$_" })
    $program = $words[0]
    $rest = @($words | Select-Object -Skip 1)
    if ($wordToComplete -eq '') {
        # Before 7.3 an empty word reached programs only as a pair of quotes.
        $isOld = $PSVersionTable.PSVersion -lt [version]'7.3.0' -or $PSNativeCommandArgumentPassing -eq 'Legacy'
        if ($isOld) { $rest += '""' } else { $rest += '' }
    }
    $answer = @(& $program @request@ @rest 2>$null)
    if ($answer.Count -eq 0) { return }
    $directive = [int]$answer[-1].TrimStart(':')
    $lines = @($answer | Select-Object -SkipLast 1)
    if ($lines.Count -eq 0 -and ($directive -band 4) -ne 0) {
        # Anything keeps the shell from offering files.
        return ''
    }
    foreach ($line in $lines) {
        $name, $about = $line -split "\t", 2
        if (-not $about) { $about = $name }
        [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterValue', $about)
    }
}
`;

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH.replaceAll("\\${", "${"),
  fish: FISH,
  powershell: POWERSHELL,
  zsh: ZSH.replaceAll("\\${", "${"),
};
