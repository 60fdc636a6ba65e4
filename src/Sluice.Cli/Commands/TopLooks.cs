using System.Collections.Concurrent;

namespace Sluice.Cli.Commands;

/// <summary>A row of <c>sluice top</c>. The JSON has these names.</summary>
internal sealed record TopRow(
    string Name, double? AppendedPerSecond, double? SettledPerSecond, long Backlog, long? InFlight, long Waiting, long Dead,
    double? OldestSeconds, int? Owners, string? Note)
{
    public string[] Cells() =>
    [
        Name, Clean.Rate(AppendedPerSecond), Clean.Rate(SettledPerSecond), Clean.Count(Backlog),
        InFlight is { } entries ? Clean.Count(entries) : "-", Clean.Count(Waiting), Clean.Count(Dead),
        OldestSeconds is { } seconds ? Clean.Span(TimeSpan.FromSeconds(seconds)) : "-", Owners is { } owners ? Clean.Count(owners) : "-",
        Note ?? "",
    ];
}

/// <summary>
/// The looks of <c>sluice top</c>. A look at all streams of a large store costs processor time here and in the store, so most looks are at
/// the streams on the screen only.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="rows">The number of rows.</param>
/// <param name="inspector">The inspector of the store.</param>
/// <param name="damaged">Where the inspector puts its warnings, which one row counts; null if it shows them itself.</param>
internal sealed class TopLooks(IStreamStore store, int rows, StoreInspector inspector, ConcurrentQueue<string>? damaged = null)
{
    private const int MaxOldest = 10;                // each costs a call for every partition with a backlog
    private const int Share = 50;                    // looks at all streams take at most one fiftieth of the time
    private const int Together = 4;                  // rows; each may ask the process that has a SQLite file open

    private readonly Dictionary<string, StreamLook> streams = new(StringComparer.Ordinal);
    private List<string> onScreen = [];
    private long lastFull;
    private TimeSpan untilFull;

    /// <summary>Looks at the store.</summary>
    /// <param name="isFull">Whether to look at all streams in any case.</param>
    /// <param name="withDetails">Whether to ask for owners and the oldest entries; the first screen comes sooner without them.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<IReadOnlyList<TopRow>> LookAsync(bool isFull, bool withDetails, CancellationToken cancellation)
    {
        if (isFull || TimeProvider.System.GetElapsedTime(lastFull) >= untilFull) await LookAtAllAsync(cancellation);
        else await LookAtScreenAsync(cancellation);
        (StreamLook Stream, GroupBacklogLook? Group)[] first = [.. streams.Values
            .SelectMany(static stream => stream.Groups.Count == 0 ? [(stream, null)]
                : stream.Groups.Select(group => (Stream: stream, Group: (GroupBacklogLook?)group)))
            .OrderByDescending(static one => one.Group?.Backlog.Outstanding ?? StreamForm.BacklogOf(one.Stream))
            .ThenByDescending(static one => one.Stream.AppendedPerSecond ?? 0).ThenBy(static one => one.Stream.Name, StringComparer.Ordinal)
            .Take(rows)];
        onScreen = [.. first.Select(static one => one.Stream.Name).Distinct(StringComparer.Ordinal)];
        DateTimeOffset? now = withDetails ? await store.GetTimeAsync(cancellation) : null;
        List<TopRow> shown = [];
        foreach ((StreamLook Stream, GroupBacklogLook? Group)[] some in first.Chunk(Together))
        {
            int from = shown.Count;
            shown.AddRange(await Task.WhenAll(some.Select((one, i)
                => RowAsync(one.Stream, one.Group, now, withOldest: from + i < MaxOldest, cancellation))));
        }
        // In the first row and its name: a low terminal shows no more than the first rows, and a narrow one no notes.
        if (damaged is { Count: > 0 and var streamsDamaged })
            shown.Insert(0, new(streamsDamaged == 1 ? "1 stream is damaged" : $"{Clean.Count(streamsDamaged)} streams are damaged",
                null, null, 0, null, 0, 0, null, null, "see sluice streams"));
        return shown;
    }

    private async Task LookAtAllAsync(CancellationToken cancellation)
    {
        long begun = TimeProvider.System.GetTimestamp();
        List<StreamLook> found = [];
        damaged?.Clear();
        await foreach (StreamLook stream in inspector.LookAllAsync(cancellation: cancellation))
            if (!StreamForm.IsOfFlow(stream.Name)) found.Add(stream);          // sluice flows shows the others
        streams.Clear();
        foreach (StreamLook stream in found) streams[stream.Name] = stream;
        lastFull = TimeProvider.System.GetTimestamp();
        untilFull = TimeProvider.System.GetElapsedTime(begun, lastFull) * Share;
    }

    private async Task LookAtScreenAsync(CancellationToken cancellation)
    {
        StreamLook?[] found;
        try
        {
            found = await Task.WhenAll(onScreen.Select(name => inspector.FindAsync(name, cancellation)));
        }
        catch (StreamStoreException damage) when (damage is { IsPermanent: true, Stream: not null })
        {
            await LookAtAllAsync(cancellation);      // leaves it out, and counts it
            return;
        }
        foreach ((string name, StreamLook? stream) in onScreen.Zip(found))
            if (stream is not null) streams[name] = stream;
            else streams.Remove(name);
    }

    // Without the time of the store: no details.
    private async Task<TopRow> RowAsync(StreamLook stream, GroupBacklogLook? group, DateTimeOffset? now, bool withOldest,
        CancellationToken cancellation)
    {
        if (group is null)
            return new(stream.Name, stream.AppendedPerSecond, null, StreamForm.BacklogOf(stream), 0, 0, 0, null, 0,
                stream.Info.Readers.MaxBy(static one => one.Backlog) is { Backlog: > 0 } reader ? Clean.Text($"of the reader {reader.Name}")
                : null);
        GroupBacklog backlog = group.Backlog;
        var id = new GroupId(stream.Name, backlog.Name);
        string name = backlog.Name == stream.Name ? stream.Name : $"{stream.Name}:{backlog.Name}";
        TimeSpan? oldest = null;
        (int? owners, long? inFlight) = (null, null);
        string? note = null, damage = null;
        GroupLook? look = null;
        if (now is not null) (look, damage) = await FindGroupAsync(id, cancellation);
        if (look is not null)
        {
            owners = look.Members.Count(static member => member.Partitions > 0);
            // Without an owner, what was leased by a member that is gone is not in flight.
            inFlight = look.Partitions.Where(static partition => partition.Owner is not null)
                .Sum(static partition => partition.MaxInFlight);
            if (backlog.Outstanding > 0) note = NoteOf(look, group);
            if (backlog.Outstanding > 0 && withOldest) (oldest, note) = await OldestAsync(id, now!.Value, note, cancellation);
        }
        if (backlog.PausedAt is { } since) note = $"{(backlog.IsDraining ? "draining" : "paused")} since {Clean.Time(since)}";
        if (backlog.Dead > 0) note ??= "has dead letters";
        return new(name, stream.AppendedPerSecond, group.SettledPerSecond, backlog.Outstanding, inFlight, backlog.Waiting,
            backlog.Dead, oldest?.TotalSeconds, owners, damage ?? note);
    }

    // A damaged group says nothing about the others: its row has what the stream tells of it, and the damage as its note.
    private async Task<(GroupLook? Look, string? Damage)> FindGroupAsync(GroupId id, CancellationToken cancellation)
    {
        try
        {
            return (await inspector.FindGroupAsync(id, cancellation), null);
        }
        catch (StreamStoreException e) when (e.IsPermanent && e.Stream == id.Stream)
        {
            if (damaged is null) inspector.OnWarning?.Invoke($"The group {GroupNames.Of(id)} is damaged: {e.Message}");
            return (null, $"damaged: {Clean.Text(e.Message)}");
        }
    }

    // An entry that cannot be read says nothing about the other streams.
    private async Task<(TimeSpan? Age, string? Note)> OldestAsync(GroupId id, DateTimeOffset now, string? note,
        CancellationToken cancellation)
    {
        try
        {
            return await inspector.FindOldestAsync(id, cancellation) is not { } time ? (null, note)
                : (time < now ? now - time : TimeSpan.Zero, note);
        }
        catch (StreamStoreException e) when (e.IsPermanent)
        {
            return (null, Clean.Text(e.Message));
        }
    }

    // The reason why a backlog does not shrink, as far as the store shows it.
    private static string? NoteOf(GroupLook look, GroupBacklogLook group)
    {
        int silent = look.Members.Count(static member => member.Status == MemberStatus.Silent);
        if (look.Partitions.All(static partition => partition.Owner is null)) return "stuck: no member owns a partition";
        if (silent > 0) return $"{silent} of {look.Members.Count} members silent";
        string[] mute = [.. look.Members.Where(static member => member is { Status: MemberStatus.NoHeartbeats, Partitions: > 0 })
            .Select(static member => member.Name)];
        if (mute.Length > 0 && group.SettledPerSecond is not > 0)
            return Clean.Text(mute.Length > 1 ? $"{mute[0]} and {mute.Length - 1} more send no heartbeats: ended, or take no questions"
                : $"{mute[0]} sends no heartbeats: ended, or takes no questions");
        int free = look.Partitions.Count(static partition => partition.Owner is null && partition.Tail > partition.Done);
        if (free > 0) return $"{free} partitions with a backlog have no owner";
        if (group.Backlog.Waiting == group.Backlog.Outstanding) return "all wait: for a retry, or are parked";
        return group.SettledPerSecond is 0 ? "nothing settled since the last look" : null;
    }
}
