using System.Collections.Concurrent;

namespace Sluice.PostgreSql;

/// <summary>
/// Deletes forgotten producers of the streams that a round appends to, a limited number of each stream every few seconds. Idempotency keys
/// leave a producer each. Thread-safe.
/// </summary>
internal sealed class ProducerSweep
{
    private const int MaxAtOnce = 1000, MaxStreams = 1000;
    private static readonly long Pause = TimeSpan.FromSeconds(5).Ticks;

    private readonly ConcurrentDictionary<long, long> next = new();

    /// <summary>Adds the statements of a round, behind those that write its producers: they see the new times.</summary>
    /// <returns>What to call when they were executed.</returns>
    public Action Add(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        List<(long Stream, NpgsqlBatchCommand Command)> sent = [];
        foreach (StreamRow stream in round.Streams)
            if (stream.HasAppended && next.GetValueOrDefault(stream.Id) <= round.Now)
                sent.Add((stream.Id, add("DELETE FROM ~producer p USING (SELECT stream, name FROM ~producer WHERE stream = $1 "
                    + "AND forget <= $2 LIMIT $3) k WHERE p.stream = k.stream AND p.name = k.name")
                    .With(stream.Id).With(round.Now).With(MaxAtOnce)));
        return () =>
        {
            foreach ((long stream, NpgsqlBatchCommand command) in sent)
                next[stream] = command.RecordsAffected < MaxAtOnce ? round.Now + Pause : round.Now;
        };
    }

    /// <summary>Forgets when streams are due, if there are many, perhaps deleted ones: the others are looked at once more.</summary>
    public void RemoveOld()
    {
        if (next.Count > MaxStreams) next.Clear();
    }
}
