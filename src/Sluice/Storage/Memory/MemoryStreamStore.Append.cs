namespace Sluice;

public sealed partial class MemoryStreamStore
{
    /// <inheritdoc/>
    public override ValueTask<ProducerState> OpenProducerAsync(string stream, string producer, CancellationToken cancellation = default)
    {
        StreamNames.Check(producer);
        return Locked(() =>
        {
            Stream(stream).Sweep(clock.Now);
            StoredProducer stored = Producer(Stream(stream), producer);
            stored.ForgetAt = null;                  // until its next append sets it
            stored.Epoch = StoreRules.NextEpoch(stored.Epoch, Stream(stream).Number);
            return new ProducerState(stored.Epoch, stored.Last, stored.Position);
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check();
        return Locked(() => Append(request), cancellation);
    }

    private AppendResult Append(AppendRequest request)
    {
        StoredStream stream = Stream(request.Stream);
        DateTimeOffset now = clock.Now;
        stream.Sweep(now);
        stream.Producers.TryGetValue(request.Producer, out StoredProducer? producer);
        long last = producer?.Last ?? 0;

        // Everything is validated first: the rest cannot fail.
        if (request.Refusal(producer?.Epoch ?? 0, last, (producer?.LastFrom ?? 0, producer?.LastId), stream.End,
            producer?.Position) is { } refusal) return refusal;
        long end = request.LastSequence;
        AppendRequest.CheckLength(request.Entries, stream.Name, stream.Options);
        if (request.Entries.Count > 0 && stream.IsFullFor(request.Entries.Count, request.Entries.Bytes))
            return new(AppendStatus.Full, last, null) { RetryAfter = stream.NextExpiry(now) };

        producer ??= Producer(stream, request.Producer);
        EntryId? first = stream.Append(request.Entries, now, generation);
        (producer.Last, producer.LastFrom, producer.LastId) = (end, request.Sequence, first);
        if (request.Position is { } position) producer.Position = position.ToArray();
        if (request.ForgetAfter is { } window) stream.Forget(request.Producer, producer, now + window);
        else producer.ForgetAt = null;
        Count(request.Batches, now);
        return new(AppendStatus.Accepted, end, first);
    }

    private static StoredProducer Producer(StoredStream stream, string name)
    {
        if (!stream.Producers.TryGetValue(name, out StoredProducer? producer)) stream.Producers.Add(name, producer = new());
        return producer;
    }

    // A marker for a stream that has failed or is gone is dropped. One that is complete may have consumers at work.
    private void Count(IReadOnlyList<BatchChange> changes, DateTimeOffset now)
    {
        foreach (BatchChange change in changes)
        {
            BatchCounts counts = batches.GetValueOrDefault(change.Batch).With(change);
            batches[change.Batch] = counts;
            if (!counts.IsComplete) continue;
            batches.Remove(change.Batch);
            using var marker = new EntryBatch();
            marker.Add(counts.ToBytes(), headers: change.MarkerHeaders.Span);
            foreach (string name in change.MarkerStreams)
                if (streams.TryGetValue(name, out StoredStream? stream) && stream.End?.Failure is null)
                    stream.Append(marker, now, generation);
        }
    }
}
