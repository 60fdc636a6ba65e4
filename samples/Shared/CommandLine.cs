using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;

namespace Samples;

/// <summary>Reads a command line that has nothing but the options which its help shows.</summary>
internal static class CommandLine
{
    /// <summary>An option with a text.</summary>
    public static Option<string> Text(string name, string value, string description)
        => new(name) { HelpName = value, Description = description };

    /// <summary>An option that is there or not.</summary>
    public static Option<bool> Flag(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.Zero };

    /// <summary>Reads it; null when it asked for help, which has then been shown.</summary>
    /// <param name="about">What the help says first.</param>
    /// <param name="options">All options, in the order of the help.</param>
    /// <param name="arguments">The command line.</param>
    /// <exception cref="UserMistake">An option is unknown or malformed.</exception>
    public static OptionValues? Parse(string about, Option[] options, string[] arguments)
    {
        var command = new RootCommand(about);
        // Only what is documented: no version option, no directives such as [suggest].
        foreach (Option option in command.Options.Where(option => option.Name == "--version").ToList()) command.Options.Remove(option);
        command.Directives.Clear();
        foreach (Option option in options) command.Options.Add(option);
        command.SetAction(_ => 0);
        if (arguments is [['[', .., ']'] directive, ..])
            throw new UserMistake($"Unrecognized command or argument '{directive}'. See --help.");
        ParseResult parsed = command.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is HelpAction)
        {
            int width = options.Max(static option => Shown(option).Length);
            Console.WriteLine($"{about}\n\nOptions:");
            foreach (Option option in options) Console.WriteLine($"  {Shown(option).PadRight(width)}  {option.Description}");
            return null;
        }
        return parsed.Errors.Count > 0 ? throw new UserMistake($"{parsed.Errors[0].Message} See --help.") : new(parsed);
    }

    private static string Shown(Option option) => $"{option.Name} {option.HelpName}".TrimEnd();
}
