namespace Sluice.Sqlite;

/// <summary>
/// The producers, loaded when they append, with a cache of recent ones. There may be one for every request ever received.
/// </summary>
internal sealed class StoredProducers(Session session)
{
    private const int MaxKept = 10_000;
    private const int ForgottenAtOnce = 1000;
    private readonly Dictionary<(long, string), StoredProducer> kept = [];
    private long? nextToForget = LoadNext(session);

    /// <summary>Returns a producer; null if it was never used, or is forgotten.</summary>
    public StoredProducer? Find(StoredStream stream, string name)
    {
        if (!kept.TryGetValue((stream.Id, name), out StoredProducer? producer) && Load(stream, name) is { } loaded)
            kept.Add((stream.Id, name), producer = loaded);
        return producer?.ForgetAt <= session.OpenTicks ? null : producer;
    }

    public StoredProducer Add(StoredStream stream, string name) => kept[(stream.Id, name)] = new(stream.Id, name, 0, 0, null, []);

    public void Changed(StoredProducer producer)
    {
        if (producer.ForgetAt < (nextToForget ?? long.MaxValue)) nextToForget = producer.ForgetAt;
        session.Mark(producer);
    }

    /// <summary>Deletes expired producers, a limited number at a time; at the end of a transaction.</summary>
    public void Sweep()
    {
        if (nextToForget is null || nextToForget > session.OpenTicks) return;
        session.Sql("DELETE FROM sluice_producer WHERE id IN (SELECT id FROM sluice_producer WHERE forget <= ? LIMIT ?)")
            .Put(session.OpenTicks).Put(ForgottenAtOnce).Run();
        kept.Clear();
        nextToForget = LoadNext(session);
    }

    /// <summary>Bounds the cache; between transactions.</summary>
    public void Bound()
    {
        if (kept.Count > MaxKept) kept.Clear();
    }

    public void Clear() => kept.Clear();

    private StoredProducer? Load(StoredStream stream, string name)
    {
        Statement row =
            session.Sql(
            "SELECT epoch, last, last_from, generation, part, first, forget, position, id, sum FROM sluice_producer WHERE stream = ? AND "
                + "name = ?")
            .Put(stream.Id).Put(name);
        if (!row.Next()) return null;
        var producer = new StoredProducer(stream.Id, name, row.Long(8), row.Long(0), row.LongOrNull(6), row.Bytes(7));
        producer.Append(row.Long(2), row.Long(1), row.Long(5) == 0 ? null : new(row.Int(3), stream.Name, row.Int(4), row.Long(5)));
        bool isSound = row.LongOrNull(9) is not { } sum || sum == producer.Sum;
        row.Reset();
        if (!isSound)
            throw new StreamStoreException(
                $"What the store knows of the producer {name} of {stream.Name} (sluice_producer) does not match its checksum: what it has "
                    + $"sent could be lost, or taken twice. Nothing was changed. Restore a backup.")
            { Stream = stream.Name, IsPermanent = true };
        return producer;
    }

    private static long? LoadNext(Session session)
    {
        Statement next = session.Sql("SELECT min(forget) FROM sluice_producer WHERE forget IS NOT NULL");
        long? at = next.Next() ? next.LongOrNull(0) : null;
        next.Reset();
        return at;
    }
}
