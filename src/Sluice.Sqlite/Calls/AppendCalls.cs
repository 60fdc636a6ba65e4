namespace Sluice.Sqlite;

/// <summary>Numbered appends.</summary>
internal static class AppendCalls
{
    public static ProducerState Open(Session session, string streamName, string name)
    {
        StoredStream stream = session.Stream(streamName);
        StoredProducer? producer = session.Producers.Find(stream, name);
        session.Write();
        producer ??= session.Producers.Add(stream, name);
        producer.Open();
        session.Producers.Changed(producer);
        return new(producer.Epoch, producer.Last, producer.Position);
    }

    public static AppendResult Append(Session session, AppendRequest request)
    {
        StoredStream stream = StreamCalls.Swept(session.Stream(request.Stream));
        StoredProducer? producer = session.Producers.Find(stream, request.Producer);
        (long epoch, long last) = (producer?.Epoch ?? 0, producer?.Last ?? 0);

        // Validate everything first: what follows cannot fail, unless the disk does.
        if (request.Epoch > epoch)
            throw new StoreWentBackException(
                $"The producer {request.Producer} of the stream {stream.Name} has the epoch {request.Epoch}, the store knows {epoch} only: it has lost writes.")
            { Stream = stream.Name };
        if (request.Epoch < epoch) return new(AppendStatus.Refused, last, null);
        long end = request.LastSequence;
        if (end <= last) return new(AppendStatus.Duplicate, last, request.Sequence == producer!.LastFrom ? producer.LastId : null);
        if (request.Sequence != last + 1) return new(AppendStatus.Gap, last, null);
        if (stream.End is not null) return new(AppendStatus.Ended, last, null);
        AppendRequest.CheckLength(request.Entries, stream.Name, stream.Options);
        CheckMarkers(session, request.Batches);
        if (request.Entries.Count > 0 && stream.IsFullFor(request.Entries.Count, request.Entries.Bytes))
            return new(AppendStatus.Full, last, null) { RetryAfter = stream.NextExpiry() };

        session.Write();
        producer ??= session.Producers.Add(stream, request.Producer);
        EntryId? first = stream.Append(request.Entries);
        producer.Append(request.Sequence, end, first);
        if (request.Position is { } position) producer.Remember(position.ToArray());
        producer.ForgetBy((session.Now + request.ForgetAfter)?.UtcTicks);
        session.Producers.Changed(producer);
        if (request.Batches.Count > 0) BatchCalls.Count(session, request.Batches);
        return new(AppendStatus.Accepted, end, first);
    }

    public static void CheckMarkers(Session session, IReadOnlyList<BatchChange> changes)
    {
        foreach (BatchChange change in changes)
            foreach (string marker in change.MarkerStreams) _ = session.Stream(marker);
    }
}
