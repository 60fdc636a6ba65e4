namespace Sluice.Delivery;

/// <summary>Places in a stream that are reserved for the outputs of a root until a commit releases them.</summary>
internal sealed class Reservation(string stream, long items, long bytes) : IStacked<Reservation>
{
    public string Stream => stream;

    public long Items => items;

    public long Bytes => bytes;

    public Reservation? Next { get; set; }
}

/// <summary>Reserved places of roots that are run again, and places that the store has reserved after an attempt had given them up. A
/// later attempt uses them first, so that no output waits for a place that is reserved for it.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class SpareReservations
{
    private readonly Lock sync = new();
    private readonly Dictionary<string, (long Items, long Bytes)> spare = new(StringComparer.Ordinal);

    /// <summary>Takes over the reservations of a root that will not be committed.</summary>
    public void TakeOver(Root root)
    {
        for (Reservation? kept = root.Reservations; kept is not null; kept = kept.Next) Add(kept.Stream, kept.Items, kept.Bytes);
    }

    /// <summary>Uses one place, with its bytes.</summary>
    /// <returns>The reservation; null if no place is spare.</returns>
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

    /// <summary>All spare reservations. A commit releases them, unless it is void.</summary>
    public IReadOnlyList<Reservation> Present
    {
        get { lock (sync) return [.. spare.Select(kept => new Reservation(kept.Key, kept.Value.Items, kept.Value.Bytes))]; }
    }

    /// <summary>Forgets reservations, because a commit has released them. Those that were added meanwhile stay.</summary>
    public void Forget(IReadOnlyList<Reservation> released)
    {
        lock (sync)
            foreach (Reservation one in released)
                if (spare.TryGetValue(one.Stream, out var known) && known.Items > one.Items)
                    spare[one.Stream] = (known.Items - one.Items, Math.Max(0, known.Bytes - one.Bytes));
                else spare.Remove(one.Stream);
    }

    /// <summary>Adds places.</summary>
    public void Add(string stream, long items, long bytes)
    {
        lock (sync) spare[stream] = spare.TryGetValue(stream, out var known) ? (known.Items + items, known.Bytes + bytes) : (items, bytes);
    }
}
