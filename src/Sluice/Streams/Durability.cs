namespace Sluice;

/// <summary>What an acknowledged write of a stream store survives. Each level includes those before it.</summary>
/// <param name="Level">0 memory, 1 process, 2 power, 3 replicated; compare this to compare durabilities.</param>
/// <param name="Replicas">How many other machines have it; zero below <see cref="Replicated"/>.</param>
public readonly record struct Durability(int Level, int Replicas)
{
    /// <summary>Survives workers that are cancelled and started again, as long as the store object lives.</summary>
    public static Durability Memory => new(0, 0);

    /// <summary>Survives the end of the process, at any moment, but not a power failure.</summary>
    public static Durability Process => new(1, 0);

    /// <summary>Flushed to the disk before it is acknowledged: survives a power failure. Leases, and commits that only settle, may be flushed a moment later.</summary>
    public static Durability Power => new(2, 0);

    /// <summary>Confirmed by other machines before it is acknowledged.</summary>
    /// <param name="replicas">How many; at least one.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one.</exception>
    public static Durability Replicated(int replicas)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        return new(3, replicas);
    }

    /// <summary>For example <c>Power</c> or <c>Replicated(2)</c>.</summary>
    public override string ToString()
        => Level switch { 0 => nameof(Memory), 1 => nameof(Process), 2 => nameof(Power), _ => $"{nameof(Replicated)}({Replicas})" };
}
