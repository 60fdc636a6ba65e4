using System.CommandLine;
using System.Globalization;

namespace Samples;

/// <summary>The values of options, read as what they should be.</summary>
internal sealed class OptionValues(ParseResult parsed)
{
    /// <summary>Whether an option is there.</summary>
    public bool this[Option<bool> option] => parsed.GetValue(option);

    /// <summary>The text of an option; null if it is not there.</summary>
    /// <exception cref="UserMistake">It is there, and empty.</exception>
    public string? this[Option<string> option] => parsed.GetValue(option) switch
    {
        "" => throw new UserMistake($"{option.Name} needs a value, and got an empty one. See --help."),
        var value => value,
    };

    /// <summary>The whole number of an option; null if it is not there.</summary>
    /// <exception cref="UserMistake">It is no such number.</exception>
    public int? Number(Option<string> option, int least, int most)
    {
        if (this[option] is not { } text) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new UserMistake($"{option.Name} must be a whole number from {least} to {most}, not \"{text}\".");
    }

    /// <summary>The full path of a file; null if it is not there.</summary>
    /// <exception cref="UserMistake">It is a directory.</exception>
    public string? File(Option<string> option, string prefix = "")
    {
        if (this[option] is not { } text) return null;
        if (!text.StartsWith(prefix, StringComparison.Ordinal) || text.Length == prefix.Length)
            throw new UserMistake($"{option.Name} must be {prefix}FILE, not \"{text}\".");
        var path = Path.GetFullPath(text[prefix.Length..]);
        return Directory.Exists(path) || Path.EndsInDirectorySeparator(path)
            ? throw new UserMistake($"{option.Name} {path} is a directory: name a file.") : path;
    }
}
