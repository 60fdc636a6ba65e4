using System.Runtime.CompilerServices;

namespace Sluice;

public sealed partial class Consecutor<T>
{
    private const int PageSize = 100;
    private const double SlowestRate = 0.00001;

    /// <summary>Waits until everything that was sent is accepted, or refused, and everything that was accepted has ended: completed, or dead. Parked items and suspects that somebody else holds are waited for as well; and, where the input is complete (<see cref="CompleteAsync"/>), what nodes put out at the end.</summary>
    /// <returns>The consecutor at that moment.</returns>
    /// <exception cref="InvalidOperationException">It has not been started and items wait, or it was stopped before they had ended; or it was called inside of a handler of this consecutor, for which it would wait.</exception>
    public async Task<ConsecutorSnapshot> WaitForIdleAsync(CancellationToken cancellation = default)
    {
        if (IsInside)
            throw new InvalidOperationException($"WaitForIdleAsync of the consecutor {Name} was called inside of one of its own handlers, whose item it would wait for, without end. Call it outside: let the handler set a signal that your program waits for.");
        var moved = new Signal();
        core.Books.Moved += moved.Set;
        try
        {
            while (true)
            {
                bool isAppending = core.Sends.IsAppending;
                if (!isAppending && core.InFlight == 0 && core.Books.IsIdle && core.HasEnded && await core.Members.AreAllIdleAsync().WaitAsync(cancellation).ConfigureAwait(false) && Snapshot() is { IsIdle: true } idle) return idle;
                if (State == ConsecutorStatus.Created)
                {
                    if (Snapshot() is { IsIdle: false } books)
                        throw new InvalidOperationException($"The consecutor {Name} has not been started, so none of the {books.Pending} items that wait can end. Call StartAsync first.");
                    if (core.Sends.IsWaiting)
                        throw new InvalidOperationException($"The consecutor {Name} has not been started, its stream is full, and what is sent waits for room. Call StartAsync first.");
                }
                Task next = moved.WaitAsync();
                if (await Task.WhenAny(next, Completion).WaitAsync(cancellation).ConfigureAwait(false) == next) continue;
                await Completion.ConfigureAwait(false);
                ConsecutorSnapshot snapshot = Snapshot();
                return snapshot.IsIdle ? snapshot : throw new InvalidOperationException($"The consecutor {Name} was stopped before everything had ended.");
            }
        }
        finally
        {
            core.Books.Moved -= moved.Set;
        }
    }

    /// <summary>Where every accepted item is, and the pipeline's nodes. Never waits. What other members have done is in it when this one has nothing under way, from its next heartbeat on.</summary>
    public ConsecutorSnapshot Snapshot()
    {
        local?.Count();
        IReadOnlyList<StoppedPartition> stopped = core.Stopped.All;
        ConsecutorSnapshot snapshot = core.Books.Snapshot(Name, State, run?.Snapshot(), core.ProblemWith(stopped), core.Losses.Latest) with { Stopped = stopped };
        if (core.Members.ClockSkew is { } skew) snapshot = snapshot with { ClockSkew = skew };
        if (core.Outputs.IsUsed) snapshot = snapshot with { Outputs = core.Outputs.Counts };
        if (snapshot.Problem is not null) return snapshot;
        if (core.Outputs.Problem is { } noPlace) return snapshot with { Problem = noPlace };
        return core.Sends.Problem(snapshot.Status) is { } full ? snapshot with { Problem = full }
            : snapshot.Parked > 0 ? snapshot with { Problem = core.Parked } : snapshot;
    }

    /// <summary>The dead letters, oldest first, read from the store page by page.</summary>
    public async IAsyncEnumerable<DeadLetter> ListDeadLettersAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        for (long after = 0; ;)
        {
            IReadOnlyList<StoredDeadLetter> page = await core.Store.ListDeadAsync(core.Group, null, after, PageSize, cancellation).ConfigureAwait(false);
            foreach (StoredDeadLetter dead in page) yield return Letters.Read<T>(core, dead);
            if (page.Count < PageSize) yield break;
            after = page[^1].Number;
        }
    }

    /// <summary>
    /// Processes dead letters again: from the failing node, with what it was given, where that is kept; else from the start. They have all
    /// their attempts again, keep their ids, and give up their order.
    /// </summary>
    /// <param name="which">Chooses the letters; all unless given.</param>
    /// <param name="cancellation">Gives up; what was redriven until then stays so.</param>
    /// <returns>How many there were.</returns>
    public Task<int> RedriveAsync(Func<DeadLetter, bool> which, CancellationToken cancellation = default) => ChangeAsync(which, LetterChanges.RedriveAsync, null, cancellation);

    /// <summary>Processes dead letters again, so many in a second.</summary>
    /// <inheritdoc cref="RedriveAsync(Func{DeadLetter, bool}, CancellationToken)"/>
    /// <param name="which">Chooses the letters.</param>
    /// <param name="perSecond">The most letters in a second; 0.00001, which is about one a day, or more.</param>
    /// <param name="cancellation">Gives up; what was redriven until then stays so.</param>
    public Task<int> RedriveAsync(Func<DeadLetter, bool> which, double perSecond, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(perSecond, SlowestRate);
        return ChangeAsync(which, LetterChanges.RedriveAsync, perSecond, cancellation);
    }

    /// <summary>Processes the dead letters of one item again, by its id (<see cref="DeadLetter.Id"/>).</summary>
    /// <inheritdoc cref="RedriveAsync(Func{DeadLetter, bool}, CancellationToken)"/>
    public Task<int> RedriveAsync(string id, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return RedriveAsync(dead => dead.Id == id, cancellation);
    }

    /// <summary>Deletes dead letters. They are counted as cancelled from then on.</summary>
    /// <returns>How many there were.</returns>
    public Task<int> DeleteDeadLettersAsync(Func<DeadLetter, bool> which, CancellationToken cancellation = default) => ChangeAsync(which, LetterChanges.DeleteAsync, null, cancellation);

    /// <summary>Goes once through the letters that are there now: what dies again meanwhile is not met again.</summary>
    private async Task<int> ChangeAsync(
        Func<DeadLetter, bool> which, Func<ConsecutorCore, IReadOnlyList<long>, CancellationToken, Task<int>> change, double? perSecond, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(which);
        int most = perSecond is { } rate ? Math.Clamp((int)(rate / 10), 1, PageSize) : PageSize;
        int changed = 0;
        long end = await LastLetterAsync(cancellation).ConfigureAwait(false);
        for (long after = 0; after < end;)
        {
            IReadOnlyList<StoredDeadLetter> page = await core.Store.ListDeadAsync(core.Group, null, after, most, cancellation).ConfigureAwait(false);
            if (page.Count == 0) break;
            after = page[^1].Number;
            List<long> chosen = [.. page.Where(dead => dead.Number <= end && which(Letters.Read<T>(core, dead))).Select(dead => dead.Number)];
            if (chosen.Count == 0) continue;
            changed += await change(core, chosen, cancellation).ConfigureAwait(false);
            if (perSecond is { } limit && after < end) await Task.Delay(TimeSpan.FromSeconds(chosen.Count / limit), core.Time, cancellation).ConfigureAwait(false);
        }
        return changed;
    }

    private async Task<long> LastLetterAsync(CancellationToken cancellation)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        long last = 0;
        while (await core.Store.ListDeadAsync(core.Group, null, last, 1000, cancellation).ConfigureAwait(false) is { Count: > 0 } page) last = page[^1].Number;
        return last;
    }
}
