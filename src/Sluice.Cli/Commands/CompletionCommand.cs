namespace Sluice.Cli.Commands;

/// <summary><c>sluice completion SHELL</c>: the script that makes a shell complete the command line.</summary>
/// <remarks>The scripts ask <c>sluice [suggest:POSITION] LINE</c>, so they stay right when commands change.</remarks>
internal static class CompletionCommand
{
    // Bash splits words at a colon, so a file behind "sqlite:" is a word of its own: then nothing is suggested, and bash completes files.
    // Without compgen -W: bash would execute $(…) in the words, and the file with the names of stores may come from somebody else.
    private const string Bash = """
        _sluice() {
            local line word="${COMP_WORDS[COMP_CWORD]}"
            COMPREPLY=()
            while IFS= read -r line; do
                if [[ -n "$line" && "$line" == "$word"* ]]; then COMPREPLY+=("$(printf %q "$line")"); fi
            done < <(sluice "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
        }
        complete -o default -F _sluice sluice
        """;

    // As a file of $fpath it is the body of the function at the first completion; read by source, it only registers the function.
    private const string Zsh = """
        #compdef sluice
        _sluice() {
            local line="${(j: :)words[1,CURRENT-1]} $PREFIX"
            local -a suggestions
            suggestions=("${(@f)$(sluice "[suggest:${#line}]" "$line" 2>/dev/null)}")
            if [[ -n "$suggestions" ]]; then compadd -a suggestions; else _files; fi
        }
        if [[ "$funcstack[1]" == _sluice ]]; then _sluice "$@"; else compdef _sluice sluice; fi
        """;

    // The line is the command before the cursor, without those in front of it.
    private const string Fish = """
        function __sluice_suggest
            set -l line (commandline -cp | string collect)
            sluice "[suggest:"(string length -- $line)"]" $line 2>/dev/null
        end
        complete -c sluice -a '(__sluice_suggest)'
        """;

    private const string PowerShell = """
        Register-ArgumentCompleter -Native -CommandName sluice -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            $position = $cursorPosition - $commandAst.Extent.StartOffset
            sluice "[suggest:$position]" "$commandAst".PadRight($position) 2>$null |
                Where-Object { $_ -like "$wordToComplete*" } |
                ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
        }
        """;

    private static readonly Argument<string> Shell = new("SHELL")
    {
        Description = "bash, zsh, fish or powershell.",
        CompletionSources = { "bash", "zsh", "fish", "powershell" }
    };

    public static Command Create()
    {
        var command = new Command("completion", "Writes the script that makes a shell complete the command line.") { Shell };
        command.SetAction(static parsed => CommandRun.Guard(() => Write(parsed.GetValue(Shell)!, parsed.GetValue(CommandRun.Json))));
        return command;
    }

    private static int Write(string shell, bool isJson)
    {
        string script = shell switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            "fish" => Fish,
            "powershell" or "pwsh" => PowerShell,
            _ => throw CommandException.Usage($"The shells are bash, zsh, fish and powershell, not '{shell}'."),
        };
        script = script.ReplaceLineEndings("\n") + "\n";
        if (isJson) new Screen(static () => Console.Out, isJson).Json(new { Shell = shell, Script = script });
        else new CommandOutput(Console.Out).Write(script);
        return ExitCodes.Fine;
    }
}
