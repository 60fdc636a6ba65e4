namespace Sluice.PostgreSql;

/// <summary>Appends, and what they count.</summary>
internal static class AppendCalls
{
    public static async ValueTask<ProducerState> OpenProducerAsync(Round round, string streamName, string name)
    {
        StreamRow stream = round.Stream(streamName);
        await ReaderCalls.SweepAsync(round, stream).ConfigureAwait(false);
        _ = await round.ProducerAsync(stream, name).ConfigureAwait(false);
        ProducerRow producer = Round.MakeProducer(stream, name);
        producer.Forget = null;                      // until its next append sets it
        producer.Epoch = StoreRules.NextEpoch(producer.Epoch, stream.Id);
        producer.IsChanged = true;
        round.Touched++;
        return new(producer.Epoch, producer.Last, producer.Position);
    }

    public static async ValueTask<AppendResult> AppendAsync(Round round, AppendRequest request)
    {
        StreamRow stream = round.Stream(request.Stream);
        await ReaderCalls.SweepAsync(round, stream).ConfigureAwait(false);
        ProducerRow? known = await round.ProducerAsync(stream, request.Producer).ConfigureAwait(false);
        if (request.Refusal(known?.Epoch ?? 0, known?.Last ?? 0, (known?.LastFrom ?? 0, known?.LastId), stream.End,
            known?.Position) is { } refusal) return refusal;
        AppendRequest.CheckLength(request.Entries, stream.Name, stream.Options);
        if (request.Entries.Count > 0 && stream.IsFullFor(request.Entries.Count, request.Entries.Bytes))
            return new(AppendStatus.Full, known?.Last ?? 0, null) { RetryAfter = stream.NextExpiry(round.Now) };
        await PrepareAsync(round, stream, request.Entries).ConfigureAwait(false);
        await PrepareMarkersAsync(round, request.Batches).ConfigureAwait(false);

        ProducerRow producer = Round.MakeProducer(stream, request.Producer);
        EntryId? first = Append(round, stream, request.Entries);
        (producer.Last, producer.LastFrom, producer.LastId) = (request.LastSequence, request.Sequence, first);
        if (request.Position is { } position) producer.Position = position.ToArray();
        producer.Forget = request.ForgetAfter is { } window ? round.Now + window.Ticks : null;
        producer.IsChanged = true;
        stream.HasAppended = true;
        round.Touched++;
        Count(round, request.Batches);
        return new(AppendStatus.Accepted, request.LastSequence, first);
    }

    /// <summary>Reads the partitions that entries go to, so that appending needs no query.</summary>
    public static async ValueTask PrepareAsync(Round round, StreamRow stream, EntryBatch entries)
    {
        if (entries.Count == 0) return;
        HashSet<int> missing = [];
        for (int i = 0; i < (entries.HasKeys ? entries.Count : 1); i++)
        {
            int partition = entries.KeyAt(i) is { Exists: true } key ? key.PartitionOf(stream.Options.Partitions) : Sticky(stream);
            if (!stream.Parts.ContainsKey(partition)) missing.Add(partition);
        }
        if (missing.Count > 0) await RoundLoader.PartsAsync(round, stream, [.. missing], default).ConfigureAwait(false);
    }

    public static async ValueTask PrepareMarkersAsync(Round round, IReadOnlyList<BatchChange> changes)
    {
        foreach (BatchChange change in changes)
            foreach (string marker in change.MarkerStreams)
                if (round.FindStream(marker) is { } stream && !stream.Parts.ContainsKey(Sticky(stream)))
                    await RoundLoader.PartsAsync(round, stream, [Sticky(stream)], default).ConfigureAwait(false);
    }

    /// <summary>Appends validated entries.</summary>
    /// <returns>The id of the first entry; null if there are none.</returns>
    public static EntryId? Append(Round round, StreamRow stream, EntryBatch entries)
    {
        if (entries.Count == 0) return null;
        round.Touched++;
        EntryId? first = null;
        for (int i = 0; i < entries.Count; i++)
        {
            int number = entries.HasKeys && entries.KeyAt(i) is { Exists: true } key ? key.PartitionOf(stream.Options.Partitions)
                : Take(stream);
            long sequence = Append(round, stream.Parts[number], entries.RecordAt(i));
            first ??= new(round.Generation, stream.Name, number, sequence);
        }
        stream.Items += entries.Count;
        stream.Bytes += entries.Bytes;
        stream.IsChanged = true;
        return first;
    }

    /// <summary>Appends records whose partitions are loaded.</summary>
    /// <returns>The id of the first entry; null if there are none.</returns>
    public static EntryId? Append(Round round, StreamRow stream, ReadOnlyMemory<byte>[] records)
    {
        EntryId? first = null;
        foreach (ReadOnlyMemory<byte> record in records)
        {
            int number = EntryChunk.KeyOf(record.Span) is { Exists: true } key ? key.PartitionOf(stream.Options.Partitions) : Take(stream);
            first ??= new(round.Generation, stream.Name, number, stream.Parts[number].Tail + 1);
            Append(round, stream.Parts[number], record);
            (stream.Items, stream.Bytes) = (stream.Items + 1, stream.Bytes + record.Length - EntryChunk.RecordOverhead);
        }
        round.Touched++;
        stream.IsChanged = true;
        return first;
    }

    /// <summary>The partition that a record goes to.</summary>
    public static int PartitionOf(StreamRow stream, ReadOnlyMemory<byte> record)
        => EntryChunk.KeyOf(record.Span) is { Exists: true } key ? key.PartitionOf(stream.Options.Partitions) : Sticky(stream);

    /// <summary>
    /// Changes the counters of batches. A marker for a stream that has failed or is gone is dropped. One that is complete may have
    /// consumers at work.
    /// </summary>
    public static void Count(Round round, IReadOnlyList<BatchChange> changes)
    {
        foreach (BatchChange change in changes)
        {
            round.Touched++;
            BatchCounts counts = round.Batches.GetValueOrDefault(change.Batch).With(change);
            round.Batches[change.Batch] = counts;
            round.Rows.EndedBatches.Remove(change.Batch);
            if (!counts.IsComplete) continue;
            round.Batches[change.Batch] = default;
            round.Rows.EndedBatches.Add(change.Batch);
            foreach (string name in change.MarkerStreams)
            {
                if (round.FindStream(name) is not { End: null or { Failure: null } } stream) continue;
                using var marker = new EntryBatch();
                marker.Add(counts.ToBytes(), headers: change.MarkerHeaders.Span);
                Append(round, stream.Parts[Take(stream)], marker.RecordAt(0).ToArray());
                (stream.Items, stream.Bytes, stream.IsChanged) = (stream.Items + 1, stream.Bytes + marker.Bytes, true);
            }
        }
    }

    private static long Append(Round round, PartRow part, ReadOnlyMemory<byte> record)
    {
        if (part.Chunks.Count == 0 || !part.Chunks[^1].HasRoomFor(record.Length)) part.Chunks.Add(new(part.Tail + 1, part.Bytes));
        part.Chunks[^1].Add(record);
        part.Tail++;
        part.Bytes += record.Length - EntryChunk.RecordOverhead;
        part.IsChanged = true;
        round.Changes.AddEntries(part.Stream.Name, part.Number);
        return part.Tail;
    }

    private static int Sticky(StreamRow stream) => stream.Sticky ?? stream.Next;

    // All entries without a key of a round go to one partition, so that blocks are large.
    private static int Take(StreamRow stream)
    {
        if (stream.Sticky is { } sticky) return sticky;
        stream.Sticky = stream.Next;
        stream.Next = (stream.Next + 1) % stream.Options.Partitions;
        return stream.Sticky.Value;
    }
}
