namespace Sluice.Torture;

/// <summary>Random numbers that are the same for a seed on every machine and version (SplitMix64). Not thread-safe.</summary>
internal sealed class Dice(ulong seed)
{
    private ulong thrown;

    /// <summary>Other dice, which depend on these by their seed and a purpose only, not on how often these were thrown.</summary>
    public Dice For(ulong purpose) => new(Mix(seed ^ Mix(purpose + 0x9e3779b97f4a7c15)));

    public ulong Next() => Mix(seed + (++thrown * 0x9e3779b97f4a7c15));

    /// <summary>A number from zero to one below the bound.</summary>
    public int Below(int bound) => (int)(Next() % (ulong)bound);

    public int Between(int first, int last) => first + Below(last - first + 1);

    public bool Chance(int percent) => Below(100) < percent;

    public T OneOf<T>(params ReadOnlySpan<T> all) => all[Below(all.Length)];

    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
}
