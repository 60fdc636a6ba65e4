namespace Sluice;

/// <summary>What streams, groups, producers, readers, members and batches may be called: the same in all stores.</summary>
public static class StreamNames
{
    /// <summary>The longest name, in characters.</summary>
    public const int MaxLength = 200;

    /// <summary>Checks a name. Stores call it where a name is new to them.</summary>
    /// <param name="name">1 to <see cref="MaxLength"/> characters, none of them a control character.</param>
    /// <exception cref="ArgumentException">It is no name.</exception>
    public static void Check(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is > 0 and <= MaxLength && !name.Any(char.IsControl)) return;
        throw new ArgumentException($"A name in a stream store has 1 to {MaxLength} characters, none of them a control character; this one has {name.Length}.", nameof(name));
    }
}
