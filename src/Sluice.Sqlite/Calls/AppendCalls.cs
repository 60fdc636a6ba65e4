namespace Sluice.Sqlite;

/// <summary>Calls that open producers and append entries.</summary>
internal static class AppendCalls
{
    public static ProducerState Open(Session session, string streamName, string name)
    {
        StoredStream stream = session.Stream(streamName);
        StoredProducer? producer = session.Producers.Find(stream, name);
        session.Write();
        producer ??= session.Producers.Add(stream, name);
        producer.Open();
        producer.ForgetAfter(null, session.OpenTicks);             // until its next append sets it
        session.Producers.Changed(producer);
        return new(producer.Epoch, producer.Last, producer.Position);
    }

    public static AppendResult Append(Session session, AppendRequest request)
    {
        StoredStream stream = StreamCalls.Swept(session.Stream(request.Stream));
        StoredProducer? producer = session.Producers.Find(stream, request.Producer);
        long last = producer?.Last ?? 0;

        // Everything is validated first: the rest fails only if the disk does.
        if (request.Refusal(producer?.Epoch ?? 0, last, (producer?.LastFrom ?? 0, producer?.LastId), stream.End,
            producer?.Position) is { } refusal) return refusal;
        long end = request.LastSequence;
        AppendRequest.CheckLength(request.Entries, stream.Name, stream.Options);
        LoadMarkers(session, request.Batches);
        if (request.Entries.Count > 0 && stream.IsFullFor(request.Entries.Count, request.Entries.Bytes))
            return new(AppendStatus.Full, last, null) { RetryAfter = stream.NextExpiry() };

        session.Write();
        producer ??= session.Producers.Add(stream, request.Producer);
        EntryId? first = stream.Append(request.Entries);
        producer.Append(request.Sequence, end, first);
        if (request.Position is { } position) producer.Remember(position.ToArray());
        producer.ForgetAfter(request.ForgetAfter?.Ticks, session.OpenTicks);
        session.Producers.Changed(producer);
        if (request.Batches.Count > 0) BatchCalls.Count(session, request.Batches);
        return new(AppendStatus.Accepted, end, first);
    }

    /// <summary>Loads the streams that may get markers: a damaged one fails the call before anything is changed.</summary>
    public static void LoadMarkers(Session session, IReadOnlyList<BatchChange> changes)
    {
        foreach (BatchChange change in changes)
            foreach (string marker in change.MarkerStreams) _ = session.FindStream(marker);
    }
}
