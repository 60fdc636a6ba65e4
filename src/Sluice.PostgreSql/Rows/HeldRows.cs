namespace Sluice.PostgreSql;

/// <summary>
/// The lengths of files, and whether there are reservations, of partitions that calls of a round take or give back. They are read with the
/// other rows of the round, so that a member that takes a thousand partitions needs no round trip for each.
/// </summary>
/// <remarks>Not thread-safe: belongs to one round.</remarks>
internal sealed class HeldRows
{
    private readonly Dictionary<(long Group, int Number), Held> all = [];

    /// <summary>A partition was looked at, and has nothing but what is added now.</summary>
    public void Add(long group, int number) => all[(group, number)] = new();

    /// <summary>Adds a row that was read: the length of a file, or a reservation if it has no name.</summary>
    public void AddRow(long group, int number, string? file, long length)
    {
        if (!all.TryGetValue((group, number), out Held? held)) return;       // of a group that was made since
        if (file is null) held.HasReserved = true;
        else held.Files.Add(file, length);
    }

    /// <summary>A call of this round changes them: the next call that needs them reads them again.</summary>
    public void Forget(OwnedRow owned) => all.Remove((owned.Group.Id, owned.Number));

    /// <summary>Whether it is known that a partition has no reservations.</summary>
    public bool HasNoReserved(OwnedRow owned) => all.GetValueOrDefault((owned.Group.Id, owned.Number)) is { HasReserved: false };

    /// <summary>The lengths of the files of a partition; null if they are not known.</summary>
    public Dictionary<string, long>? FilesOf(OwnedRow owned) => all.GetValueOrDefault((owned.Group.Id, owned.Number))?.Files;

    private sealed class Held
    {
        public Dictionary<string, long> Files { get; } = new(StringComparer.Ordinal);
        public bool HasReserved { get; set; }
    }
}
