using System.Collections.ObjectModel;
using Sluice.Diagnostics;

namespace Sluice.Dashboard.Sampling;

/// <summary>Looks at one store, at most one look at a time. A store that does not answer holds nothing up: its last figures stay.</summary>
/// <remarks>
/// Looks at many streams cost the store, so they take at most one fiftieth of the time, unless each takes longer than a second. Of more
/// streams than <see cref="MaxStreams"/>, a look takes a part: half of it from the consecutors, and each half goes round. A look that has
/// failed is repeated after an interval: a store that is back is seen at once. Between looks, the store is asked for its time only: so a
/// store that is away is seen soon, too. A look may need many calls one after the other: a store that answers them is not silent.
/// Thread-safe; locking rule: the state under <c>sync</c>, calls of the store outside of it.
/// </remarks>
internal sealed class StoreSampler
{
    /// <summary>How many streams one look looks at.</summary>
    public const int MaxStreams = 5_000;

    private const int Share = 50, Together = 128;

    private static readonly TimeSpan MaxSilence = TimeSpan.FromSeconds(3), MaxPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MaxQuiet = TimeSpan.FromSeconds(5);

    private readonly StoreSource source;
    private readonly TimeProvider time;
    private readonly TimeSpan interval;
    private readonly LookGap gap;
    private volatile StoreInspector inspector;
    private readonly Lock sync = new();
    private StoreSample sample;
    private Task looking = Task.CompletedTask;
    private long begun;                              // the last look
    private long called;                             // when the present look, or question for the time, has begun
    private long answered;                           // when the store has answered it last; at first, when it has begun
    private long asked;                              // when the look was wanted that waits for the present one
    private TimeSpan pause;
    private TimeSpan? tookBefore;                    // the last look that did not fail
    private bool hasBegun;
    private bool isNext;                             // the present task waits for a look that has begun before, and has not begun itself
    private int consecutorsAt, othersAt;             // where the next look goes on; used by one look at a time

    public StoreSampler(StoreSource source, DashboardOptions options)
    {
        (this.source, time, interval) = (source, options.Time, options.RefreshInterval);
        (gap, inspector) = (new(time), new(source.Store, time));
        Flows = new(source.Store, time);
        FlowGlance = new(source.Store, Flows, time);
        sample = new(source, [], new Dictionary<string, StreamLook>(), new Dictionary<GroupId, GroupDetail>(), null, null);
    }

    public StoreSource Source => source;

    public StoreInspector Inspector => inspector;

    /// <summary>The runs of flows. They are looked at apart, by the pages that show them.</summary>
    public FlowSampler Flows { get; }

    /// <summary>The runs of flows that the first page shows.</summary>
    public FlowGlance FlowGlance { get; }

    /// <summary>Returns what was seen last, after a look if one is due; it waits for the look for a limited time.</summary>
    public async Task<StoreSample> LookAsync(TimeSpan patience, CancellationToken cancellation)
    {
        Task look;
        TimeSpan left;                               // somebody else may have waited for the look
        lock (sync)
        {
            // Rates and silences over a time in which no page was open would say nothing about now.
            if (gap.HasPassed()) inspector = new(source.Store, time);
            if (!looking.IsCompleted && !hasBegun)
            {
                (hasBegun, isNext, asked) = (true, true, time.GetTimestamp());
                looking = LookAfterAsync(looking);
            }
            else if (looking.IsCompleted && (!hasBegun || time.GetElapsedTime(begun) >= pause))
            {
                Begin();
                looking = LookAsync();
            }
            else if (looking.IsCompleted && time.GetElapsedTime(called) >= MaxQuiet)
            {
                called = answered = time.GetTimestamp();
                looking = AskAsync();
            }
            look = looking;
            left = patience - time.GetElapsedTime(isNext ? asked : called);
            if (left < TimeSpan.Zero) left = TimeSpan.Zero;
        }
        await look.WaitAsync(left, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        lock (sync)
        {
            if (look.IsCompleted) return sample;
            TimeSpan waits = time.GetElapsedTime(answered);
            if (waits < patience * Sampler.Early) return sample;      // a look of many calls, which are answered
            return sample with
            {
                IsSilent = true,
                Problem = sample.At is not null && waits < MaxSilence ? sample.Problem
                    : $"The store has not answered for {Shown.Span(waits)}: is its server up, and its disk?",
            };
        }
    }

    /// <summary>Makes the next look due at once: something was changed, which a look that has begun already may not have seen.</summary>
    public void LookAgain()
    {
        lock (sync) hasBegun = isNext;               // a look that waits for the present one begins behind the change
    }

    private async Task LookAfterAsync(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (sync) Begin();
        await LookAsync().ConfigureAwait(false);
    }

    // Called under the lock.
    private void Begin()
    {
        (hasBegun, isNext, pause) = (true, false, interval * Sampler.Early);
        begun = called = answered = time.GetTimestamp();
    }

    private async Task AskAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);        // out of the lock
        long started = time.GetTimestamp();
        try
        {
            await source.Store.GetTimeAsync().ConfigureAwait(false);
            lock (sync)
            {
                sample = sample with { AnsweredAt = time.GetUtcNow() };
                if (time.GetElapsedTime(started) >= MaxSilence) LookSoon();      // it was away
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private async Task LookAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);        // out of the lock
        long started = time.GetTimestamp();
        try
        {
            IReadOnlyDictionary<string, StreamLook> before;
            IReadOnlyDictionary<string, string> damageBefore;
            lock (sync) (before, damageBefore) = (sample.Streams, sample.Damage);
            IReadOnlyList<string> all = await source.Store.ListStreamsAsync().ConfigureAwait(false);
            string[] names = [.. all.Where(static name => !StoreSource.IsInternal(name))];
            bool hasFlows = names.Length < all.Count && all.Any(StoreSource.IsRun);
            Dictionary<string, StreamLook> streams = new(names.Length, StringComparer.Ordinal);
            Dictionary<string, string> damage = new(StringComparer.Ordinal);
            if (names.Length > MaxStreams)
                foreach (string name in names)
                {
                    // Damage of members is found anew below.
                    if (before.TryGetValue(name, out StreamLook? known)) streams.Add(name, known);
                    else if (damageBefore.TryGetValue(name, out string? why)) damage.Add(name, why);
                }
            NoteAnswer();
            foreach (FoundStream one in await FindAllAsync(InTurn(names, before), NoteAnswer).ConfigureAwait(false))
            {
                if (one.Look is { } look) streams[one.Name] = look;
                else streams.Remove(one.Name);
                if (one.Damage is { } why) damage[one.Name] = why;
                else damage.Remove(one.Name);
            }
            // Before the first look, nothing is known: members and the oldest items may come later.
            lock (sync)
                if (sample.At is null)
                    sample = Seen(ReadOnlyDictionary<GroupId, GroupDetail>.Empty, new Dictionary<string, string>(damage));
            var noted = new NotedStore(source.Store, NoteAnswer);
            Dictionary<GroupId, GroupDetail> groups = await GroupDetails.FindLargestAsync(noted, inspector, streams.Values, damage)
                .ConfigureAwait(false);
            TimeSpan took = time.GetElapsedTime(started);
            lock (sync)
            {
                sample = Seen(groups, damage);
                // A look that waited for a server says nothing of what looks cost.
                TimeSpan wanted = (took < tookBefore ? took : tookBefore ?? took) * Share;
                tookBefore = took;
                if (wanted > MaxPause) wanted = MaxPause;
                if (wanted > pause) pause = wanted;
            }

            StoreSample Seen(IReadOnlyDictionary<GroupId, GroupDetail> groups, IReadOnlyDictionary<string, string> damage)
                => new(source, names, streams, groups, time.GetUtcNow(), null)
                {
                    Damage = damage,
                    HasFlows = hasFlows,
                    AnsweredAt = time.GetUtcNow(),
                };
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    /// <summary>Looks at the members, the partitions and the oldest entry of a group; null if there is no such group.</summary>
    public Task<GroupDetail?> FindGroupAsync(GroupId group, CancellationToken cancellation)
        => GroupDetails.FindAsync(source.Store, inspector, group, cancellation);

    /// <summary>Looks at streams; those that do not exist, or are damaged, have no look.</summary>
    public Task<IReadOnlyList<FoundStream>> FindAllAsync(IReadOnlyList<string> names, CancellationToken cancellation)
        => FindAllAsync(names, null, cancellation);

    private async Task<IReadOnlyList<FoundStream>> FindAllAsync(IReadOnlyList<string> names, Action? answered,
        CancellationToken cancellation = default)
    {
        List<FoundStream> found = new(names.Count);
        // Calls that are made together share a round trip or a turn of the store's thread.
        foreach (string[] some in names.Chunk(Together))
            found.AddRange(await Task.WhenAll(some.Select(name => FindAsync(name, answered, cancellation))).ConfigureAwait(false));
        return found;
    }

    private async Task<FoundStream> FindAsync(string name, Action? answered, CancellationToken cancellation)
    {
        try
        {
            StreamLook? look = await inspector.FindAsync(name, cancellation).ConfigureAwait(false);
            answered?.Invoke();
            return new(name, look, null);
        }
        catch (StreamStoreException e) when (e.IsPermanent && e.Stream == name)
        {
            answered?.Invoke();
            return new(name, null, $"The stream {VisibleText.Shorten(name, 100)} is left out: {e.Message}");
        }
    }

    private string[] InTurn(string[] names, IReadOnlyDictionary<string, StreamLook> before)
    {
        if (names.Length <= MaxStreams) return names;
        ILookup<bool, string> known = names.ToLookup(name => before.TryGetValue(name, out StreamLook? look) && look.IsConsecutor);
        string[] consecutors = GoRound([.. known[true]], ref consecutorsAt, MaxStreams / 2);
        return [.. consecutors, .. GoRound([.. known[false]], ref othersAt, MaxStreams - consecutors.Length)];
    }

    private static string[] GoRound(string[] names, ref int at, int max)
    {
        if (names.Length <= max) return names;
        int start = at % names.Length;
        at = (start + max) % names.Length;
        return [.. names.Skip(start).Concat(names).Take(max)];
    }

    private void NoteAnswer()
    {
        lock (sync)
        {
            answered = time.GetTimestamp();
            // The store is back, and its look may take long.
            if (sample.Problem is not null) sample = sample with { Problem = null };
        }
    }

    private void Fail(Exception failure)
    {
        lock (sync)
        {
            sample = sample with
            {
                Problem = failure is ObjectDisposedException ? "The store was disposed: what is shown is the last that was seen."
                    : failure.Message,
            };
            LookSoon();
        }
    }

    // Called under the lock.
    private void LookSoon() => pause = interval * Sampler.Early;
}

/// <summary>A store that notes each answer, also a refusal: a look at one group may take many calls.</summary>
file sealed class NotedStore(IStreamStore store, Action answered) : StreamStoreWrapper(store, leaveOpen: true)
{
    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        try
        {
            return await base.CallAsync(name, call).ConfigureAwait(false);
        }
        finally
        {
            answered();
        }
    }
}
