using System.Runtime.CompilerServices;
using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice;

public sealed partial class Consecutor<T>
{
    private const int PageSize = 100;
    private const double SlowestRate = 0.00001;
    private const string DamageRemedy = "Restore the store from a backup, or delete the letters.";

    /// <summary>
    /// Waits until every sent item is accepted or refused, and every accepted item has ended: completed, or dead. This includes parked
    /// items, suspects that other members hold, and, if the input is complete (<see cref="CompleteAsync"/>), the items that nodes emit at
    /// the end. A start that is under way is awaited first; if the start fails, so does this call. While the consecutor is paused and items
    /// wait, the call waits for the end of the pause, and a warning says so once.
    /// </summary>
    /// <returns>The snapshot of the idle consecutor.</returns>
    /// <exception cref="InvalidOperationException">The consecutor has not been started and items wait; or it was stopped before all items
    /// had ended; or one of its own handlers called this method, which would wait for its own item, or work that a handler has started
    /// (<c>Task.Run</c>, a timer) without <see cref="ExecutionContext.SuppressFlow"/>.</exception>
    public async Task<ConsecutorSnapshot> WaitForIdleAsync(CancellationToken cancellation = default)
    {
        if (IsInside)
            throw new InvalidOperationException(
                $"WaitForIdleAsync of the consecutor {Name} was called inside of one of its own handlers or sinks, whose item it would "
                    + $"wait for, without end. Call it outside: let it set a signal that your program waits for. {PipelineRun.OfStarted}");
        Task? begun;
        lock (sync) begun = starting;
        if (begun is not null) await begun.WaitAsync(cancellation).ConfigureAwait(false);
        var moved = new Signal();
        bool hasWarned = false;
        if (hasWrittenEntries) core.Doubts.Add();    // a transaction may have been committed since the last recount
        core.Ledger.Moved += moved.Set;
        core.CommitWait.BeginCall();
        try
        {
            while (true)
            {
                bool isAppending = core.Sends.IsAppending;
                if (hasWrittenEntries && State == ConsecutorStatus.Created)
                    throw new InvalidOperationException(
                        $"The consecutor {Name} has not been started, so what was sent in transactions cannot end. Call StartAsync first. "
                            + "A process that only sends has nothing to wait for: a sent item is accepted when its transaction commits.");
                if (!isAppending && core.InFlight.Count == 0 && core.Ledger.IsIdle && core.HasEnded
                    && await core.Members.AreAllIdleAsync().WaitAsync(cancellation).ConfigureAwait(false)
                    && Snapshot() is { IsIdle: true } idle) return idle;
                if (State == ConsecutorStatus.Created)
                {
                    if (Snapshot() is { IsIdle: false } counts)
                        throw new InvalidOperationException(
                            $"The consecutor {Name} has not been started, so what waits ({counts.Pending:N0} accepted) cannot end. Call "
                                + $"StartAsync first.");
                    if (core.Sends.IsWaiting)
                        throw new InvalidOperationException(
                            $"The consecutor {Name} has not been started, its stream is full, and what is sent waits for room. Call "
                                + $"StartAsync first.");
                }
                if (!hasWarned && Status == ConsecutorStatus.Paused)
                {
                    hasWarned = true;
                    core.Lifetime.Warn($"WaitForIdleAsync of {Name} waits for the end of a pause that began at {core.Pump.PausedAt:u}. Call "
                        + $"ResumeAsync, or run `sluice resume`.");
                }
                Task next = moved.WaitAsync();
                if (await Task.WhenAny(next, Completion).WaitAsync(cancellation).ConfigureAwait(false) == next) continue;
                await Completion.ConfigureAwait(false);
                ConsecutorSnapshot snapshot = Snapshot();
                return snapshot.IsIdle ? snapshot : throw new InvalidOperationException(
                    $"The consecutor {Name} was stopped before everything had ended.");
            }
        }
        finally
        {
            core.CommitWait.EndCall();
            core.Ledger.Moved -= moved.Set;
        }
    }

    /// <summary>Returns the place of every accepted item, and the pipeline's nodes. Never waits. The items that other
    /// processes send and end appear with the next heartbeat.</summary>
    public ConsecutorSnapshot Snapshot()
    {
        local?.Count();
        IReadOnlyList<StoppedPartition> stopped = core.Stopped.All;
        ConsecutorSnapshot snapshot = core.Ledger.Snapshot(Name, Status, run?.Snapshot(), core.Problems.With(stopped),
            core.Losses.Latest) with
        { InstanceId = Member, Stopped = stopped, LastFailure = core.Failures.Last, PausedAt = core.Pump.PausedAt };
        bool isDraining = snapshot.PausedAt is not null && core.Members.IsDraining;
        snapshot = snapshot with { IsDraining = isDraining, IsInputComplete = core.Stream.IsInputComplete };
        if (core.Members.ClockSkew is { } skew) snapshot = snapshot with { ClockSkew = skew };
        if (core.Outputs.IsUsed) snapshot = snapshot with { Outputs = core.Outputs.Counts };
        if (snapshot.Problem is not null) return snapshot;
        if (core.EntranceTurns.Problem is { } turns) return snapshot with { Problem = turns };
        if (core.Outputs.Problem is { } noPlace) return snapshot with { Problem = noPlace };
        return core.Sends.Problem(snapshot.Status) is { } full ? snapshot with { Problem = full }
            : snapshot.Parked > 0 ? snapshot with { Problem = core.Problems.Parked } : snapshot;
    }

    /// <summary>Lists the dead letters, oldest first. Reads them from the store page by page.</summary>
    public async IAsyncEnumerable<DeadLetter> ListDeadLettersAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        await foreach (IReadOnlyList<StoredDeadLetter> page in LetterPages.ReadAsync(core.Store, core.Group, null, 0, PageSize,
            cancellation).ConfigureAwait(false))
            foreach (StoredDeadLetter dead in page) yield return Letters.Read<T>(core, dead);
    }

    /// <summary>Processes dead letters again: from the failing node if the node's input was kept, otherwise from the start. Redriven items
    /// have all their attempts again and keep their ids, but lose their order. Letters that are damaged in the store are left
    /// out, with a warning, and so are letters of damaged partitions.</summary>
    /// <param name="which">Chooses the letters.</param>
    /// <param name="cancellation">Gives up; what was redriven until then stays so.</param>
    /// <returns>How many there were.</returns>
    public Task<int> RedriveAsync(Func<DeadLetter, bool> which, CancellationToken cancellation = default)
        => ChangeAsync(which, isRedrive: true, null, cancellation);

    /// <summary>Processes dead letters again, at a limited rate.</summary>
    /// <inheritdoc cref="RedriveAsync(Func{DeadLetter, bool}, CancellationToken)"/>
    /// <param name="which">Chooses the letters.</param>
    /// <param name="perSecond">The highest rate, in letters per second; at least 0.00001, which is about one a day.</param>
    /// <param name="cancellation">Gives up; what was redriven until then stays so.</param>
    public Task<int> RedriveAsync(Func<DeadLetter, bool> which, double perSecond, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(perSecond, SlowestRate);
        return ChangeAsync(which, isRedrive: true, perSecond, cancellation);
    }

    /// <summary>Processes all dead letters of one item again, by the item's id (<see cref="DeadLetter.Id"/>).</summary>
    /// <inheritdoc cref="RedriveAsync(Func{DeadLetter, bool}, CancellationToken)"/>
    public Task<int> RedriveAsync(string id, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return RedriveAsync(dead => dead.Id == id, cancellation);
    }

    /// <summary>Deletes dead letters. The snapshot counts them as cancelled from then on.</summary>
    /// <returns>How many there were.</returns>
    public Task<int> DeleteDeadLettersAsync(Func<DeadLetter, bool> which, CancellationToken cancellation = default)
        => ChangeAsync(which, isRedrive: false, null, cancellation);

    /// <summary>Goes once through the letters that exist at the start of the call; a letter that is written meanwhile is left
    /// alone, and so is a redriven one that is damaged.</summary>
    private async Task<int> ChangeAsync(Func<DeadLetter, bool> which, bool isRedrive, double? perSecond, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(which);
        int most = perSecond is { } rate ? Math.Clamp((int)(rate / 10), 1, PageSize) : PageSize;
        int changed = 0;
        var partitions = new DamagedPartitions();
        long end = await LastLetterAsync(cancellation).ConfigureAwait(false);
        await foreach (IReadOnlyList<StoredDeadLetter> page in LetterPages.ReadAsync(core.Store, core.Group, null, 0, most, cancellation)
            .ConfigureAwait(false))
        {
            ILookup<bool, LetterPlace> wanted = page.Where(dead => dead.Number <= end && which(Letters.Read<T>(core, dead)))
                .ToLookup(dead => isRedrive && dead.IsUnreadable, static dead => new LetterPlace(dead.Number, dead.Partition));
            LetterPlace[] chosen = [.. wanted[false]];
            if (wanted[true].Any()) core.Lifetime.Warn($"These dead letters of {Name} are damaged in the store, and were not redriven: "
                + $"{string.Join(", ", wanted[true].Select(static letter => letter.Number))}. {DamageRemedy}");
            bool isLast = page[^1].Number >= end;
            try
            {
                if (chosen.Length > 0) changed += await (isRedrive ? LetterChanges.RedriveAsync(core, chosen, partitions, cancellation)
                    : LetterChanges.DeleteAsync(core, chosen, partitions, cancellation)).ConfigureAwait(false);
            }
            catch (StreamStoreException e) when (changed > 0 && e is not StoreRolledBackException)
            {
                throw new StreamStoreException($"Before, {Amounts.Of(changed, "dead letter")} of {Name} "
                    + $"{(changed == 1 ? "was" : "were")} {(isRedrive ? "redriven" : "deleted")}: call it again for the others. "
                    + e.Message, e)
                { Stream = e.Stream, Partition = e.Partition, Sequence = e.Sequence, IsPermanent = e.IsPermanent };
            }
            if (isLast) break;
            if (perSecond is { } limit && chosen.Length > 0)
                await Task.Delay(TimeSpan.FromSeconds(chosen.Length / limit), core.Time, cancellation).ConfigureAwait(false);
        }
        if (partitions.Left > 0) core.Lifetime.Warn($"{Amounts.Of(partitions.Left, "dead letter")} of {Name} cannot be redriven, because "
            + $"of damage in the store: {partitions}. {DamageRemedy}");
        return changed;
    }

    private async Task<long> LastLetterAsync(CancellationToken cancellation)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        long last = 0;
        await foreach (IReadOnlyList<StoredDeadLetter> page in LetterPages.ReadAsync(core.Store, core.Group, null,
            cancellation: cancellation).ConfigureAwait(false))
            last = page[^1].Number;
        return last;
    }
}
