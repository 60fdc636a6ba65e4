using Sluice.Topologies;

namespace Sluice.Cli;

/// <summary>Finds the command or option that a mistyped word was meant to be.</summary>
internal static class Spelling
{
    private const int MaxWord = 40;                  // no command or option is longer

    /// <summary>Returns a sentence with the nearest word, and a space before it; empty if none is near (<see cref="NearNames.Of"/>).</summary>
    public static string Suggest(string word, Command command)
    {
        if (word.Length > MaxWord) return "";
        string? meant = word is ['-', not '-']
            ? Options(command).FirstOrDefault(name => name.StartsWith("-" + word, StringComparison.Ordinal))
            : NearNames.Of(word, word.StartsWith('-') ? Options(command) : Commands(command)) is [var near, ..] ? near
            : Options(command).FirstOrDefault(name => name == "--" + word);
        return meant is null ? "" : $" Do you mean '{meant}'?";
    }

    private static IEnumerable<string> Commands(Command command)
        => command.Subcommands.SelectMany(static one => one.Aliases.Prepend(one.Name));

    // Options of the commands above hold for those below if they are recursive.
    private static IEnumerable<string> Options(Command command)
    {
        IEnumerable<Option> above = command.Parents.OfType<Command>().SelectMany(static one => one.Options)
            .Where(static option => option.Recursive);
        return command.Options.Concat(above).SelectMany(static option => option.Aliases.Prepend(option.Name));
    }
}
