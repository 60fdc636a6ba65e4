namespace Sluice;

/// <summary>Places in a stream that are kept for what a root will have put out there, until a commit gives them back.</summary>
internal sealed class Reservation(string stream, long items, long bytes) : IStacked<Reservation>
{
    public string Stream => stream;

    public long Items => items;

    public long Bytes => bytes;

    public Reservation? Next { get; set; }
}

/// <summary>Places that were kept for roots of a partition which are run again: they are used first, so that nobody waits for a place that is kept for it.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class SpareReservations
{
    private readonly Lock sync = new();
    private readonly Dictionary<string, (long Items, long Bytes)> spare = new(StringComparer.Ordinal);

    /// <summary>Takes over what a root has, which will not be committed.</summary>
    public void TakeOver(Root root)
    {
        for (Reservation? kept = root.Reservations; kept is not null; kept = kept.Next) Add(kept.Stream, kept.Items, kept.Bytes);
    }

    /// <summary>Uses one place, with the bytes that there are for it.</summary>
    /// <returns>Null if there is none.</returns>
    public Reservation? TryUse(string stream, long bytes)
    {
        lock (sync)
        {
            if (!spare.TryGetValue(stream, out var known) || known.Items == 0) return null;
            long used = known.Items == 1 ? known.Bytes : Math.Min(bytes, known.Bytes);
            spare[stream] = (known.Items - 1, known.Bytes - used);
            return new(stream, 1, used);
        }
    }

    /// <summary>All that there are: a commit gives them back, unless it is void.</summary>
    public IReadOnlyList<Reservation> Present
    {
        get { lock (sync) return [.. spare.Select(kept => new Reservation(kept.Key, kept.Value.Items, kept.Value.Bytes))]; }
    }

    /// <summary>They were given back.</summary>
    public void Clear()
    {
        lock (sync) spare.Clear();
    }

    private void Add(string stream, long items, long bytes)
    {
        lock (sync) spare[stream] = spare.TryGetValue(stream, out var known) ? (known.Items + items, known.Bytes + bytes) : (items, bytes);
    }
}
