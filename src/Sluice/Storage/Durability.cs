namespace Sluice;

/// <summary>
/// The failures that an acknowledged write of a stream store survives. Each level includes the levels before it, except
/// <see cref="Replicated"/>: on Redis it says nothing about disks, so set <c>appendonly yes</c> on all servers.
/// </summary>
/// <param name="Level">0 memory, 1 process, 2 power, 3 replicated; compare levels to compare durabilities.</param>
/// <param name="Replicas">The number of other machines with a copy; zero below <see cref="Replicated"/>.</param>
public readonly record struct Durability(int Level, int Replicas)
{
    /// <summary>Survives the restart of workers, as long as the store object lives.</summary>
    public static Durability Memory => new(0, 0);

    /// <summary>Survives the end of the process at any moment, but no power failure.</summary>
    public static Durability Process => new(1, 0);

    /// <summary>
    /// Survives a power failure: writes are flushed to disk before they are acknowledged. Leases, and commits that only settle, may be
    /// flushed later.
    /// </summary>
    public static Durability Power => new(2, 0);

    /// <summary>
    /// Survives the loss of a machine: other machines confirm writes before they are acknowledged. On Redis they confirm that a write is
    /// in their memory, not on their disks.
    /// </summary>
    /// <param name="replicas">The number of other machines; at least one.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below one.</exception>
    public static Durability Replicated(int replicas)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        return new(3, replicas);
    }

    /// <summary>Formats the durability; for example <c>Power</c> or <c>Replicated(2)</c>.</summary>
    public override string ToString()
        => Level switch { 0 => nameof(Memory), 1 => nameof(Process), 2 => nameof(Power), _ => $"{nameof(Replicated)}({Replicas})" };
}
