namespace Sluice.Redis;

public sealed partial class RedisStreamStore
{
    /// <inheritdoc/>
    public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxItems, 1, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxBatches, 1, nameof(request));
        Arguments arguments = new Arguments().Each(request.Owned, (inner, owner) => inner.Owner(owner)).Number(request.MaxItems).Number(request.MaxBytes).Number(request.MaxBatches)
            .Each(request.Gates, (inner, gate) => inner.Name(gate)).Flag(request.Quarantine is not null);
        if (request.Quarantine is { } quarantine) arguments.Group(quarantine.Group).Number(quarantine.Epoch);
        Reply reply = await CallAsync("lease", arguments, cancellation, isRepeatable: false).ConfigureAwait(false);
        string held = reply[1].Text;
        return new([.. reply[5].Items.Select(batch => Batch(request.Owned[batch[0].Int - 1], batch))], [.. reply[0].Items.Select(index => request.Owned[index.Int - 1])])
        {
            FullGate = held == "gate" ? request.Gates[reply[2].Int - 1] : null,
            NextDue = reply[3].Span,
            IsEnded = reply[4].IsOne,
            IsQuarantineLost = held == "quarantine",
        };
    }

    private static LeasedBatch Batch(Ownership owner, Reply batch)
    {
        List<Entry> entries = [];
        foreach (Reply row in batch[1].Items) entries.Add(Entries.Read(row[0].Long, row, 1, owner.Group.Stream, owner.Partition) with { Attempt = row[6].Int });
        foreach (Reply piece in batch[2].Items) Entries.AddPiece(entries, piece, owner.Group.Stream, owner.Partition, attempt: 1);
        return new(owner, entries.ToArray());
    }
}
