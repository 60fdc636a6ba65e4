namespace Sluice.PostgreSql;

/// <summary>
/// Says for which streams the next round waits a moment, because senders and consumers take turns: then an append and the commit or lease
/// of a consumer go into one round, and the disk is flushed once instead of twice. Senders and consumers call again soon after a round has
/// answered them, but not at the same time.
/// </summary>
/// <remarks>
/// Not thread-safe: the queue uses it under its lock. If waiting was in vain, the next rounds of the stream do not wait: 1, then 3, 7, … at
/// most 63.
/// </remarks>
internal sealed class Companions
{
    private const int MaxStreams = 256, MaxPause = 63;
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1), Longest = TimeSpan.FromMilliseconds(5);

    private readonly Dictionary<string, Seen> all = new(StringComparer.Ordinal);

    /// <summary>How long to wait for the other calls, after a round that took some time: less than a round of their own takes.</summary>
    public static TimeSpan WaitAfter(TimeSpan round) => TimeSpan.FromTicks(Math.Clamp(round.Ticks / 3, Shortest.Ticks, Longest.Ticks));

    /// <summary>A round has ended. Returns those of its streams whose next round waits until it has calls of both.</summary>
    public List<string> Note(List<StoreCall> calls)
    {
        Dictionary<string, Kinds> kinds = new(StringComparer.Ordinal);
        foreach (StoreCall call in calls)
            if (KindOf(call) is not Kinds.None and var kind)
                foreach (string stream in call.Needs.Streams) kinds[stream] = kinds.GetValueOrDefault(stream) | kind;
        List<string> waiting = [];
        foreach ((string stream, Kinds now) in kinds)
        {
            if (!all.TryGetValue(stream, out Seen? seen))
            {
                if (all.Count >= MaxStreams) all.Clear();
                all.Add(stream, seen = new());
            }
            Kinds recent = now | seen.Last;
            seen.Last = now;
            if (recent != Kinds.Both) continue;
            if (seen.Skip > 0) seen.Skip--;
            else waiting.Add(stream);
        }
        return waiting;
    }

    /// <summary>Whether waiting calls have both kinds for a stream.</summary>
    public static bool HasBoth(string stream, IEnumerable<StoreCall> calls)
    {
        Kinds kinds = Kinds.None;
        foreach (StoreCall call in calls)
            if (call.Needs.Streams.Contains(stream) && (kinds |= KindOf(call)) == Kinds.Both) return true;
        return false;
    }

    /// <summary>A stream was waited for, with both kinds of calls in the end, or in vain.</summary>
    public void End(string stream, bool hasBoth)
    {
        if (!all.TryGetValue(stream, out Seen? seen)) return;
        seen.Skip = seen.Pause = hasBoth ? 0 : Math.Min(MaxPause, (seen.Pause * 2) + 1);
    }

    private static Kinds KindOf(StoreCall call) => call.Order switch
    {
        StoreCall.Appends => Kinds.Append,
        StoreCall.Commits or StoreCall.Leases => Kinds.Consumption,
        _ => Kinds.None,
    };

    [Flags]
    private enum Kinds
    {
        None = 0,
        Append = 1,
        Consumption = 2,
        Both = Append | Consumption,
    }

    /// <summary>The last rounds of a stream.</summary>
    private sealed class Seen
    {
        public Kinds Last { get; set; }
        public int Pause { get; set; }
        public int Skip { get; set; }
    }
}
