namespace Sluice.Storage;

/// <summary>The rules for names of streams, groups, producers, readers, members and batches, the same in all stores.</summary>
public static class StreamNames
{
    /// <summary>The longest name, in characters.</summary>
    public const int MaxLength = 200;

    /// <summary>Checks a name. Stores call it where a name is new to them.</summary>
    /// <param name="name">1 to <see cref="MaxLength"/> characters, none of them a control character or half of a character (an unpaired
    /// surrogate).</param>
    /// <exception cref="ArgumentException">The name breaks the rules.</exception>
    public static void Check(string name) => Check(name, nameof(name), MaxLength);

    /// <param name="name">1 to <paramref name="most"/> characters, none of them a control character or half of a character.</param>
    /// <param name="parameter">The parameter name for the exception.</param>
    /// <param name="most">The maximum length, where a suffix is added to the name.</param>
    internal static void Check(string name, string parameter, int most)
    {
        ArgumentNullException.ThrowIfNull(name, parameter);
        int control = 0;
        while (control < name.Length && !char.IsControl(name[control])) control++;
        string? wrong = name.Length == 0 ? "is empty"
            : name.Length > most ? $"has {name.Length}"
            : control < name.Length ? $"has U+{(int)name[control]:X4} as character {control + 1}"
            : HalfCharacters.IndexIn(name) is >= 0 and var half
                ? $"has half of a character (an unpaired surrogate), U+{(int)name[half]:X4}, as character {half + 1}"
            : null;
        if (wrong is not null)
            throw new ArgumentException(
                $"A name in a stream store has 1 to {most} characters, all of them whole, none of them a control character such as a "
                    + $"line break; this one {wrong}.", parameter);
    }
}
