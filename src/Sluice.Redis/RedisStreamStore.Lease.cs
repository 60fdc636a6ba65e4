namespace Sluice.Redis;

public sealed partial class RedisStreamStore
{
    private const int MaxLeasedFrom = 80;             // the number of partitions in one call

    /// <inheritdoc/>
    public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxItems, 1, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxBatches, 1, nameof(request));
        if (request.Owned.Count > MaxLeasedFrom) return await LeasePagesAsync(request, cancellation).ConfigureAwait(false);
        Arguments arguments = new Arguments().Each(request.Owned, (inner, owner) => inner.Owner(owner)).Number(request.MaxItems)
            .Number(request.MaxBytes).Number(request.MaxBatches)
            .Each(request.BackpressureStreams, (inner, gate) => inner.Name(gate)).Flag(request.Quarantine is not null);
        if (request.Quarantine is { } quarantine) arguments.Group(quarantine.Group).Number(quarantine.Epoch);
        Reply reply = await CallAsync("lease", arguments, cancellation, isRepeatable: false).ConfigureAwait(false);
        string held = reply[1].Text;
        List<LeasedBatch> batches = [];
        List<LeaseDamage> damaged = [];
        foreach (Reply batch in reply[5].Items) Add(batches, damaged, request.Owned[batch[0].Int - 1], batch);
        return new(batches, [.. reply[0].Items.Select(index => request.Owned[index.Int - 1])])
        {
            Damaged = damaged,
            FullStream = held == "gate" ? request.BackpressureStreams[reply[2].Int - 1] : null,
            NextDue = reply[3].Span,
            IsEnded = reply[4].IsOne,
            IsQuarantineLost = held == "quarantine",
            PausedAt = Infos.Pause(reply[6]),
        };
    }

    // Leases from many partitions in pages, in order, until there is enough. IsEnded needs a look at all of them.
    private async ValueTask<LeaseResult> LeasePagesAsync(LeaseRequest request, CancellationToken cancellation)
    {
        List<LeasedBatch> batches = [];
        List<LeaseDamage> damaged = [];
        List<Ownership> stale = [];
        TimeSpan? nextDue = null;
        DateTimeOffset? pausedAt = null;
        bool isEnded = true;
        (int items, long bytes) = (request.MaxItems, request.MaxBytes);
        foreach (Ownership[] some in request.Owned.Chunk(MaxLeasedFrom))
        {
            LeaseResult page = await LeaseAsync(request with
            {
                Owned = some,
                MaxItems = items,
                MaxBytes = bytes,
                MaxBatches = request.MaxBatches - batches.Count
            }, cancellation).ConfigureAwait(false);
            batches.AddRange(page.Batches);
            damaged.AddRange(page.Damaged);
            stale.AddRange(page.Stale);
            pausedAt = page.PausedAt ?? pausedAt;
            if (page.FullStream is not null || page.IsQuarantineLost)
                return page with { Batches = batches, Stale = stale, Damaged = damaged, PausedAt = pausedAt };
            if (page.NextDue is { } due && (nextDue is null || due < nextDue)) nextDue = due;
            isEnded &= page.IsEnded || page.Stale.Count == some.Length;
            items -= page.Batches.Sum(batch => batch.Entries.Length) + (int)page.Damaged.Sum(damage => damage.Entries.Count);
            foreach (LeasedBatch batch in page.Batches)
                foreach (Entry entry in batch.Entries.Span) bytes -= entry.Payload.Length + entry.Headers.Length;
            bool isEnough = items < 1 || bytes < 1 || batches.Count >= request.MaxBatches
                || (request.Quarantine is not null && batches.Count + damaged.Count > 0);
            if (isEnough) return new(batches, stale) { Damaged = damaged, NextDue = nextDue, PausedAt = pausedAt };
        }
        return new(batches, stale)
        {
            Damaged = damaged,
            NextDue = nextDue,
            PausedAt = pausedAt,
            IsEnded = isEnded && stale.Count < request.Owned.Count
        };
    }

    private static void Add(List<LeasedBatch> batches, List<LeaseDamage> damaged, Ownership owner, Reply batch)
    {
        List<Entry> entries = [];
        foreach (Reply row in batch[1].Items) Entries.AddRow(entries, damaged, row, owner);
        foreach (Reply piece in batch[2].Items) Entries.AddPiece(entries, damaged, piece, owner);
        if (entries.Count > 0) batches.Add(new(owner, entries.ToArray()));
    }
}
