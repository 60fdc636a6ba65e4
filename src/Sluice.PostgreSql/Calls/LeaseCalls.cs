namespace Sluice.PostgreSql;

/// <summary>Calls that lease entries and reserve room.</summary>
internal static class LeaseCalls
{
    public static async ValueTask<ReserveStatus> ReserveAsync(Round round, Ownership owner, string streamName, long items, long bytes)
    {
        StreamRow output = round.Stream(streamName);
        if (await round.HeldAsync(owner).ConfigureAwait(false) is not { } owned) return ReserveStatus.Stale;
        if (output.End is not null) return ReserveStatus.Ended;
        await ReaderCalls.SweepAsync(round, output).ConfigureAwait(false);
        if (output.IsFullFor(items, bytes)) return ReserveStatus.Full;
        round.Touched++;
        round.Rows.Reserved.Add((owned, output.Id, items, bytes));
        round.Held.Forget(owned);
        (output.ReservedItems, output.ReservedBytes) = (output.ReservedItems + items, output.ReservedBytes + bytes);
        return ReserveStatus.Reserved;
    }

    public static async ValueTask<LeaseResult> LeaseAsync(Round round, LeaseRequest request)
    {
        List<(Ownership Owner, OwnedRow Owned)> owned = [];
        List<Ownership> stale = [];
        DateTimeOffset? pausedAt = null;
        foreach (Ownership owner in request.Owned)
            if (await round.HeldAsync(owner).ConfigureAwait(false) is not { } held) stale.Add(owner);
            else if (held.Group.Paused is { } since) pausedAt = new(since, TimeSpan.Zero);
            else owned.Add((owner, held));
        if (pausedAt is not null && owned.Count == 0) return new([], stale) { PausedAt = pausedAt };
        if (request.Quarantine is { } quarantine)
            return await LeaseSuspectAsync(round, quarantine, owned, stale).ConfigureAwait(false) with { PausedAt = pausedAt };
        foreach (StreamRow gate in request.BackpressureStreams.Select(round.Stream))
        {
            await ReaderCalls.SweepAsync(round, gate).ConfigureAwait(false);
            if (gate.IsFullFor(1, 1))
                return new([], stale) { FullStream = gate.Name, NextDue = gate.NextExpiry(round.Now), PausedAt = pausedAt };
        }
        var lease = new Lease(round, request);
        await lease.TakeAsync(owned).ConfigureAwait(false);
        bool isEnded = lease.Batches.Count == 0 && lease.Damaged.Count == 0 && pausedAt is null && owned.Count > 0
            && owned.All(one => one.Owned.Group.Stream.End is not null && IsEmpty(one.Owned));
        foreach (StreamRow stream in isEnded ? owned.Select(one => one.Owned.Group.Stream).Distinct() : [])
            isEnded = isEnded && await IntakeCalls.IsClosedAsync(round, stream).ConfigureAwait(false);
        return new(lease.Batches, stale)
        {
            Damaged = lease.Damaged,
            PausedAt = pausedAt,
            NextDue = lease.NextDue is { } due ? TimeSpan.FromTicks(Math.Max(0, due - round.Now)) : null,
            IsEnded = isEnded,
        };
    }

    private static bool IsEmpty(OwnedRow owned)
        => owned.Rows == 0 && owned.Group.Stream.Parts.TryGetValue(owned.Number, out PartRow? part) && owned.Done == part.Tail;

    private static async ValueTask<LeaseResult> LeaseSuspectAsync(Round round, Quarantine quarantine,
        List<(Ownership Owner, OwnedRow Owned)> owned, List<Ownership> stale)
    {
        GroupRow group = round.Group(quarantine.Group);
        if (!StoreRules.HasQuarantine(quarantine, group.QuarantineEpoch, group.QuarantineOwner, group.Id))
            return new([], stale) { IsQuarantineLost = true };
        foreach ((Ownership owner, OwnedRow one) in owned)
        {
            if (owner.Group != quarantine.Group || one.Suspects == 0) continue;
            await round.SaveAsync().ConfigureAwait(false);
            (WaitingRow Row, byte[] Body)? found = null;
            await round.ReadAsync([round.Sql.Command("SELECT seq, state, before, alone, attempts, due, share, body FROM ~waiting "
                + "WHERE grp = $1 AND part = $2 AND state = 3 ORDER BY seq LIMIT 1").With(group.Id).With(one.Number)],
                (_, row) =>
                {
                    round.Rows.Waiting.Remove((one, row.GetInt64(0)));
                    WaitingCalls.Know(round, one, row);
                    found = (round.Rows.Waiting[(one, row.GetInt64(0))], row.Bytes(7));
                }).ConfigureAwait(false);
            if (found is not { } suspect) continue;
            suspect.Row.Lease(alone: true);
            round.Touched++;
            (Entry entry, string? damage) = Stored.TryRead(suspect.Body, suspect.Row.Sequence, group.Stream.Name, one.Number);
            return damage is null ? new([new(owner, new[] { entry with { Attempt = suspect.Row.Attempts + 1 } })], stale)
                : new([], stale)
                {
                    Damaged = [new(owner, new(suspect.Row.Sequence, suspect.Row.Sequence), damage)
                        { Attempt = suspect.Row.Attempts + 1, Raw = entry.Payload }]
                };
        }
        return new([], stale);
    }
}
