namespace Sluice.Redis;

public sealed partial class RedisStreamStore
{
    /// <inheritdoc/>
    public override async ValueTask<ProducerState> OpenProducerAsync(string stream, string producer,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(producer);
        Reply reply = await CallAsync("open_producer", new Arguments().Stream(stream).Name(producer), cancellation).ConfigureAwait(false);
        return new(reply[0].Long, reply[1].Long, reply[2].Bytes);
    }

    /// <inheritdoc/>
    public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check();
        while (true)
        {
            (int partitions, string made) = await ShapeAsync(request.Stream, cancellation).ConfigureAwait(false);
            List<BatchPart> parts = partitions == 0 ? [] : BatchPart.Divide(request.Entries, partitions, NextSticky(partitions));
            CheckSpread(request, parts);
            Arguments arguments = new Arguments().Stream(request.Stream).Name(request.Producer).Number(request.Epoch)
                .Number(request.Sequence)
                .Number(request.LastSequence).Number(request.Entries.Longest).Text(made)
                .Flag(request.Position is not null).Bytes(request.Position ?? default).Span(request.ForgetAfter)
                .Number(Math.Min(1, parts.Count)).Parts(parts).Batches(request.Batches);
            try
            {
                return Result(request, await CallAsync(request.MakesRoom ? Script.AppendAnyway : "append", arguments,
                    cancellation).ConfigureAwait(false));
            }
            catch (RefusedException refused)
            {
                Reconsider(refused, request.Entries, request.Stream);
                if (refused.Words[0] != "BACKPRODUCER") continue;
                throw new StoreRolledBackException(
                    $"The producer {request.Producer} of the stream {request.Stream} has the epoch {request.Epoch}, the store "
                        + $"knows {refused.Words[1]} only: it has lost writes.", refused)
                { Stream = request.Stream };
            }
        }
    }

    // Keys of each partition differ, and an append is one step.
    private static void CheckSpread(AppendRequest request, List<BatchPart> parts)
    {
        if (parts.Count <= AppendRequest.MaxSpread || parts.DistinctBy(part => part.Partition).Count() is var spread
            && spread <= AppendRequest.MaxSpread) return;
        throw new StreamStoreException(
            $"An append of {request.Producer} to the stream {request.Stream} has {request.Entries.Count:N0} entries for {spread:N0} "
                + $"partitions; one append may be for {AppendRequest.MaxSpread}. Append fewer entries at a time.")
        { Stream = request.Stream, IsPermanent = true };
    }

    // An entry that is too long is an error. If the stream was deleted and created again, the call is repeated.
    private static void Reconsider(RefusedException refused, EntryBatch entries, string stream)
    {
        if (refused.Words[0] == "TOOLONG")
            AppendRequest.CheckLength(entries, stream,
                new() { MaxEntryBytes = int.Parse(refused.Words[1], System.Globalization.CultureInfo.InvariantCulture) });
    }

    private static AppendResult Result(AppendRequest request, Reply reply)
    {
        long last = reply[1].Long;
        EntryId? first = reply.Count > 4 && reply[2].Long >= 0 ? new(reply[4].Int, request.Stream, reply[2].Int, reply[3].Long) : null;
        return reply[0].Text switch
        {
            "accepted" => new(AppendStatus.Accepted, last, first),
            "duplicate" => new(AppendStatus.Duplicate, last, first) { Position = reply[5].Bytes },
            "gap" => new(AppendStatus.Gap, last, null),
            "refused" => new(AppendStatus.Refused, last, null),
            "ended" => new(AppendStatus.Ended, last, null),
            _ => new(AppendStatus.Full, last, null) { RetryAfter = reply[2].Span },
        };
    }
}
