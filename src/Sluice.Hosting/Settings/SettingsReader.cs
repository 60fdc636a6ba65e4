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
    private const int HoursOfDay = 24, MaxHours = 200_000_000;

    private readonly HashSet<string> known = new(StringComparer.OrdinalIgnoreCase);

    public string Path => section.Path;

    /// <summary>The names that this reader was asked for.</summary>
    public IReadOnlyCollection<string> Known => known;

    /// <summary>The names of the settings and sections in here.</summary>
    public IEnumerable<string> Names => section.GetChildren().Select(static child => child.Key);

    /// <summary>Whether there is a setting or a section of this name in here.</summary>
    public bool Has(string name) => section.GetSection(name).Exists();

    /// <summary>Reads a section in this one.</summary>
    public SettingsReader Section(string name)
    {
        known.Add(name);
        if (section[name] is { Length: > 0 } text) Wrong(name, $"is '{text}'; it is a section with settings of its own.");
        return new(section.GetSection(name), mistakes);
    }

    public string? Text(string name)
    {
        known.Add(name);
        if (section.GetSection(name).GetChildren().Any()) Wrong(name, "is a section; it must be a single value.");
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
        if (Text(name) is not { } text) return options;
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

    /// <summary>Changes a record by a number.</summary>
    public TOptions Number<TOptions>(TOptions options, string name, Func<TOptions, int, TOptions> set)
        => Set(options, name, Number, "a whole number", set);

    /// <summary>Changes a record by a large number.</summary>
    public TOptions Count<TOptions>(TOptions options, string name, Func<TOptions, long, TOptions> set)
        => Set(options, name, Count, "a whole number", set);

    /// <summary>Changes a record by a duration.</summary>
    public TOptions Duration<TOptions>(TOptions options, string name, Func<TOptions, TimeSpan, TOptions> set)
        => Set(options, name, Time, "a duration such as 00:00:30 (hours, minutes, seconds)", set);

    /// <summary>Changes a record by a name.</summary>
    public TOptions Name<TOptions>(TOptions options, string name, Func<TOptions, string, TOptions> set)
        => Set(options, name, static text => (Given?)new Given(text), "a name", (changed, given) => set(changed, given.Text));

    /// <summary>Changes a record by one of the names of an enumeration.</summary>
    public TOptions Choice<TOptions, TEnum>(TOptions options, string name, Func<TOptions, TEnum, TOptions> set) where TEnum : struct, Enum
        => Set(options, name, Choice<TEnum>, $"one of {string.Join(", ", Enum.GetNames<TEnum>())}", set);

    /// <summary>Changes a record by <c>true</c> or <c>false</c>.</summary>
    public TOptions Flag<TOptions>(TOptions options, string name, Func<TOptions, bool, TOptions> set)
        => Set(options, name, Flag, "true or false", set);

    /// <summary>Notes a mistake of a setting.</summary>
    public void Wrong(string name, string what) => mistakes.Add($"{section.Path}:{name} {what}");

    /// <summary>Notes each setting of the section that this reader was not asked for.</summary>
    public void RefuseOthers()
    {
        foreach (string name in Names.Where(name => !known.Contains(name)))
            mistakes.Add($"{section.Path}:{name}: there is no such setting; {Listed(known)}");
    }

    /// <summary>Lists names, for a message about one that is not among them.</summary>
    public static string Listed(IReadOnlyCollection<string> names)
        => names.Count == 0 ? "there are none." : $"there are {string.Join(", ", names.Order(StringComparer.Ordinal))}.";

    private static int? Number(string text)
        => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) ? value : null;

    private static long? Count(string text)
        => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : null;

    // .NET takes 00:30 for half an hour, and many mean half a minute; and 24:00:00 for 24 days.
    private static TimeSpan? Time(string text)
    {
        text = text.Trim();
        string[] parts = text.Split(':');
        if (parts.Length < 3) return null;
        int hours = 0;
        bool hasMany = parts.Length == 3 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out hours)
            && hours >= HoursOfDay;
        if (hours > MaxHours) return null;
        if (hasMany) text = $"00:{parts[1]}:{parts[2]}";
        if (!TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out TimeSpan value)) return null;
        return hasMany ? TimeSpan.FromHours(hours) + value : value;
    }

    private static bool? Flag(string text) => bool.TryParse(text, out bool value) ? value : null;

    // By name only: .NET also takes numbers, and lists of names.
    public static TEnum? Choice<TEnum>(string text) where TEnum : struct, Enum
        => Array.Find(Enum.GetNames<TEnum>(), name => name.Equals(text.Trim(), StringComparison.OrdinalIgnoreCase)) is { } name
            ? Enum.Parse<TEnum>(name) : null;

    // The first sentence: behind it stand the parameter and the actual value, which the message has already.
    public static string Reason(ArgumentException e)
    {
        string message = e.Message.Split('\n')[0].Trim();
        int end = message.IndexOf(" (Parameter", StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }

    private readonly record struct Given(string Text);
}
