using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Sluice.Hosting;

/// <summary>
/// Reads the settings of one section, and says what is wrong with them: the path of each, the value, and what it must be. All mistakes are
/// reported together.
/// </summary>
/// <remarks>Used by one thread. The binder of .NET is not used: it ignores unknown names, and cannot set a record without
/// reflection.</remarks>
internal sealed class SettingsReader(IConfigurationSection section, List<string> mistakes)
{
    public const string Duration = "a duration such as 00:00:30 (hours, minutes, seconds)";
    public const string Whole = "a whole number";

    private readonly HashSet<string> known = new(StringComparer.OrdinalIgnoreCase);

    public string Path => section.Path;

    /// <summary>The names of the settings and sections in here.</summary>
    public IEnumerable<string> Names => section.GetChildren().Select(static child => child.Key);

    /// <summary>Reads a section in this one.</summary>
    public SettingsReader Section(string name)
    {
        known.Add(name);
        return new(section.GetSection(name), mistakes);
    }

    public string? Text(string name)
    {
        known.Add(name);
        return section[name];
    }

    /// <summary>Changes a record by a setting, if it is there.</summary>
    /// <param name="options">The record.</param>
    /// <param name="name">The name of the setting.</param>
    /// <param name="parse">Reads the text; null if it has another form.</param>
    /// <param name="form">What the text must be, for the message.</param>
    /// <param name="set">Returns the changed record; may throw an <see cref="ArgumentException"/> if the value is out of range.</param>
    public TOptions Set<TOptions, TValue>(TOptions options, string name, Func<string, TValue?> parse, string form,
        Func<TOptions, TValue, TOptions> set) where TValue : struct
    {
        if (Text(name) is not { Length: > 0 } text) return options;
        if (parse(text) is not { } value)
        {
            Wrong(name, $"is '{text}'; it must be {form}.");
            return options;
        }
        try
        {
            return set(options, value);
        }
        catch (ArgumentException e)
        {
            Wrong(name, $"is '{text}'; {Reason(e)}");
            return options;
        }
    }

    /// <summary>Notes a mistake of a setting.</summary>
    public void Wrong(string name, string what) => mistakes.Add($"{section.Path}:{name} {what}");

    /// <summary>Notes what nobody has read.</summary>
    public void RefuseOthers()
    {
        foreach (string name in Names.Where(name => !known.Contains(name)))
            mistakes.Add($"{section.Path}:{name}: there is no such setting; {Listed(known)}");
    }

    /// <summary>Lists names, for a message about one that is not among them.</summary>
    public static string Listed(IReadOnlyCollection<string> names)
        => names.Count == 0 ? "there are none." : $"there are {string.Join(", ", names.Order(StringComparer.Ordinal))}.";

    public static int? Number(string text)
        => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) ? value : null;

    public static long? Count(string text)
        => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : null;

    public static TimeSpan? Time(string text)
        => text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out TimeSpan value)
            ? value : null;

    public static NameSetting? Name(string text) => new NameSetting(text);

    public static bool? Flag(string text) => bool.TryParse(text, out bool value) ? value : null;

    public static TEnum? Choice<TEnum>(string text) where TEnum : struct, Enum
        => !char.IsAsciiDigit(text[0]) && Enum.TryParse(text, ignoreCase: true, out TEnum value) && Enum.IsDefined(value) ? value : null;

    // The first sentence: behind it stand the parameter and the actual value, which the message has already.
    private static string Reason(ArgumentException e)
    {
        string message = e.Message.Split('\n')[0].Trim();
        int end = message.IndexOf(" (Parameter", StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }
}

/// <summary>A setting that is a name.</summary>
internal readonly record struct NameSetting(string Text);
