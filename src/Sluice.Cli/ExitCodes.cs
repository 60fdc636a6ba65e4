namespace Sluice.Cli;

/// <summary>The exit codes of <c>sluice</c>. Scripts depend on them; docs/command-line.md lists them.</summary>
internal static class ExitCodes
{
    /// <summary>The command has done what it should.</summary>
    public const int Fine = 0;

    /// <summary>The check found damage, or the named stream, letter, run or consecutor does not exist.</summary>
    public const int Found = 1;

    /// <summary>The command line or <c>sluice.json</c> is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The store cannot be opened, does not answer, or cannot be changed from this process.</summary>
    public const int Unreachable = 3;

    /// <summary>The terminal was closed.</summary>
    public const int HungUp = 129;

    /// <summary>The command was interrupted by Ctrl+C.</summary>
    public const int Interrupted = 130;

    /// <summary>The program that reads the output has ended.</summary>
    public const int ReaderGone = 141;

    /// <summary>The command was asked to end by a signal.</summary>
    public const int Terminated = 143;
}

/// <summary>A failure with one line for the user and an exit code.</summary>
internal sealed class CommandException(int exitCode, string message) : Exception(message)
{
    public int ExitCode => exitCode;

    public static CommandException Usage(string message) => new(ExitCodes.Usage, message);

    public static CommandException NotFound(string message) => new(ExitCodes.Found, message);
}
