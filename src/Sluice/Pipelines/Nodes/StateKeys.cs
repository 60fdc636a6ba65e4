namespace Sluice.Pipelines;

/// <summary>Which texts may be keys of a state: those that every store gives back as they were.</summary>
internal static class StateKeys
{
    private const int MaxLength = 10_000;

    /// <summary>Checks a key that is new to a node.</summary>
    /// <exception cref="InvalidOperationException">A store would take it for another one, or it is too long.</exception>
    public static void Check(string key)
    {
        if (Why(key) is { } why) throw new InvalidOperationException(why);
    }

    /// <returns>Why it cannot be one; null if it can.</returns>
    public static string? Why(string key)
    {
        if (key.Length > MaxLength)
            return $"A key of a state has {MaxLength:N0} characters at most; this one has {key.Length:N0}: {key[..50]}… Use a hash of it.";
        if (key.Contains('\0'))
            return $"A key of a state cannot have the character U+0000; this one has it as character {key.IndexOf('\0') + 1}. Leave "
                + $"it out, or write the key in another way.";
        if (HalfCharacters.IndexIn(key) is >= 0 and var half)
            return $"A key of a state has to be text that UTF-8 can write; this one has half of a character, U+{(int)key[half]:X4}, "
                + $"as character {half + 1}. It would be taken for another key.";
        return null;
    }
}
