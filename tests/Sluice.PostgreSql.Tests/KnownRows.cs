using Npgsql;

namespace Sluice.PostgreSql.Tests;

/// <summary>Compares the rows that a round knows with those that are stored, in the transaction of the round.</summary>
internal static class KnownRows
{
    /// <summary>The number of rounds that were compared.</summary>
    public static int Compared => compared;

    private static int compared;

    /// <summary>Fails the round unless what is stored says the same.</summary>
    public static async Task CompareAsync(Round round)
    {
        await round.ReadAsync([new NpgsqlBatchCommand("SELECT 1")], static (_, _) => { });       // begins the transaction
        var stored = new Round(round.Connection, round.Sql, round.Marks, round.IntakeMarks, isReadOnly: false)
        { ServerTime = round.ServerTime, Clock = new() };
        var needs = new Needs();
        foreach (StreamRow stream in round.Streams)
        {
            needs.Streams.Add(stream.Name);
            foreach (int number in stream.Parts.Keys) needs.Parts.Add((stream.Name, number));
            foreach (string producer in stream.KnownProducers) needs.Producers.Add((stream.Name, producer));
            foreach (GroupRow group in stream.Groups.Values)
                foreach (int number in group.Owned.Keys) needs.Owned.Add((group.Group, number));
        }
        await RoundLoader.LoadAsync(stored, needs, default);
        (string known, string should) = (Describe(round), Describe(stored));
        if (known != should) throw new InvalidOperationException($"The round knows{Environment.NewLine}{known}, and the store has{Environment.NewLine}{should}",
            new InvalidDataException());
        Interlocked.Increment(ref compared);
    }

    private static string Describe(Round round) => string.Join(Environment.NewLine,
        round.Streams.OrderBy(static stream => stream.Id).SelectMany(Describe)
            .Prepend($"generation {round.Generation}, store {round.StoreId}, version {round.Version}"));

    private static IEnumerable<string> Describe(StreamRow stream)
    {
        yield return $"{stream.Id} {stream.Name} {stream.Options} end {stream.End} next {stream.Next} {stream.Items}/{stream.Bytes} gone "
            + $"{stream.Gone}/{stream.GoneBytes} reserved {stream.ReservedItems}/{stream.ReservedBytes} held {stream.StoredHeld} "
            + $"time {stream.Time} stamp {stream.Stamp} sticky {stream.Sticky} {stream.HasChanges} {stream.HasAppended}";
        foreach (PartRow part in stream.Parts.Values.OrderBy(static part => part.Number))
            yield return $"  {part.Number}: {part.Tail} {part.StoredTail} {part.Bytes} chunks {part.Chunks.Count}";
        foreach (GroupRow group in stream.Groups.Values)
        {
            yield return $"  group {group.Id} {group.Name} {group.Items}/{group.Bytes} dead {group.Dead} {group.LastDead} quarantine "
                + $"{group.QuarantineOwner} {group.QuarantineEpoch} paused {group.Paused} {group.IsDraining}";
            foreach (OwnedRow owned in group.Owned.Values.OrderBy(static owned => owned.Number))
                yield return $"    {owned.Number}: {owned.Epoch} {owned.Owner} {owned.Instance} {owned.OwnerVersion} {owned.Version} "
                    + $"{owned.Dispatched} {owned.Done} {owned.LastCommit} {owned.CommitEpoch} {owned.LastOwn} rows {owned.Rows} "
                    + $"{owned.Flying} {owned.Retrying} {owned.Suspects} passed {Convert.ToHexString(owned.Passed.ToBytes())}";
        }
        foreach (ReaderRow reader in stream.Readers.Values)
            yield return $"  reader {reader.Id} {reader.Name} {reader.Options} {reader.Items}/{reader.Bytes}";
        // A forgotten producer is as good as none.
        foreach (string name in stream.KnownProducers.Order(StringComparer.Ordinal))
            if (stream.Producers.GetValueOrDefault(name) is { } one && !(one.Forget <= stream.Time))
                yield return $"  producer {name} {one.Epoch} {one.Last} {one.LastFrom} {one.LastId} {Convert.ToHexString(one.Position)} "
                    + $"{one.Forget}";
    }
}
