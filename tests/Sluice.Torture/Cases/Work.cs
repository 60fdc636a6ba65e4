namespace Sluice.Torture;

/// <summary>An item: which one, its key, and what was done to it so far. The trace says which way it has gone, so that an oracle can
/// foresee it.</summary>
internal sealed record Work(long Number, int Key, string Trace)
{
    public Work Then(string mark) => this with { Trace = $"{Trace}.{mark}" };

    /// <summary>A number that depends on the item, the way it has come, and the place that asks.</summary>
    public int Hash(int salt)
    {
        ulong hash = Dice.Mix((ulong)Number ^ ((ulong)salt << 40));
        foreach (char c in Trace) hash = Dice.Mix(hash + c);
        return (int)(hash & 0x3fffffff);
    }
}

/// <summary>What will become of an item at the places where it can fail.</summary>
internal enum Fate
{
    Fine,

    /// <summary>Fails by chance.</summary>
    Flaky,

    /// <summary>Fails always, until it is cured.</summary>
    Poison,

    /// <summary>Kills the process, until it is cured.</summary>
    Bomb,

    /// <summary>Makes the state of its key one that cannot be written, until it is cured.</summary>
    Unwritable,
}
