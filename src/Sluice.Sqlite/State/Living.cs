namespace Sluice.Sqlite;

/// <summary>
/// What ends with the process, and is therefore not stored: the clock, heartbeats (nobody else can have the store open, so whoever was a member when it
/// was last open is gone), reserved places. Used by the writer's thread, except for <see cref="Changes"/>.
/// </summary>
internal sealed class Living
{
    private static readonly SortedDictionary<string, long> Nobody = [];
    private readonly Dictionary<long, SortedDictionary<string, long>> members = [];

    public int RecentBlocks { get; init; } = 256;
    public StoreClock Clock { get; set; } = new(TimeProvider.System);
    /// <summary>Called around the end of each transaction, for tests of what fails there: false before, true after it.</summary>
    public Action<bool>? Probe { get; set; }

    public StreamChanges Changes { get; } = new();
    public Reservations Reserved { get; } = new();

    public SortedDictionary<string, long> MembersOf(long group) => members.GetValueOrDefault(group, Nobody);

    public void Beat(long group, string member)
    {
        if (!members.TryGetValue(group, out SortedDictionary<string, long>? beats)) members.Add(group, beats = new(StringComparer.Ordinal));
        beats[member] = beats.GetValueOrDefault(member) + 1;
    }

    public void Leave(long group, string member)
    {
        if (members.TryGetValue(group, out SortedDictionary<string, long>? beats) && beats.Remove(member) && beats.Count == 0) members.Remove(group);
    }

    public void Forget(long group) => members.Remove(group);
}
