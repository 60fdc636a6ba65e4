using System.Collections.Concurrent;

namespace Sluice.PostgreSql;

/// <summary>
/// Remembers for each stream which transactions had ended when its intake was last read to the end: their rows are gone. So a look never
/// passes over dead rows again that a long transaction keeps from being vacuumed. Thread-safe.
/// </summary>
/// <remarks>
/// Only saves work. A mark is forgotten after some seconds, and with each failure of a round: numbers of transactions begin elsewhere in a
/// restored database, and on a standby that was promoted.
/// </remarks>
internal sealed class IntakeMarks
{
    private const long Few = 1000;                   // transactions whose dead rows cost little
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, (long From, long[] Open, long Taken)> all = new(StringComparer.Ordinal);

    /// <summary>Returns the first transaction to look at, and the ones before it that had not ended; zero without a mark.</summary>
    public (long From, long[] Open) Of(string stream)
        => Find(stream) is { } mark ? (mark.From, mark.Open) : (0, []);

    /// <summary>The intake was read, and the round is committed.</summary>
    public void Note(IntakeRows read)
    {
        if (read.HasMore || read.Snapshot is not { } snapshot) return;
        string[] parts = snapshot.Split(':');
        (long min, long max) = (long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
        long[] open = max - min <= Few || parts[2].Length == 0 ? []
            : [.. parts[2].Split(',').Select(static one => long.Parse(one, CultureInfo.InvariantCulture))];
        long taken = TimeProvider.System.GetTimestamp();
        foreach (string stream in read.Streams)
        {
            // A later look does not make a mark older: from time to time everything is read.
            all[stream] = (open.Length == 0 ? min : max, open, Find(stream)?.Taken ?? taken);
        }
    }

    public void Forget() => all.Clear();

    /// <summary>Frees marks that are too old to be used.</summary>
    public void RemoveOld()
    {
        foreach ((string stream, var mark) in all)
            if (TimeProvider.System.GetElapsedTime(mark.Taken) >= MaxAge) all.TryRemove(stream, out _);
    }

    private (long From, long[] Open, long Taken)? Find(string stream)
        => all.TryGetValue(stream, out var mark) && TimeProvider.System.GetElapsedTime(mark.Taken) < MaxAge ? mark : null;
}
