namespace Sluice.Dashboard.Sampling;

/// <summary>Looks at one store, at most one look at a time. A store that does not answer holds nothing up: its last figures stay.</summary>
/// <remarks>
/// Looks at many streams cost the store, so they take at most one fiftieth of the time, unless each takes longer than a second. A look that
/// has failed is repeated after an interval: a store that is back is seen at once.
/// Thread-safe; locking rule: the state under <c>sync</c>, calls of the store outside of it.
/// </remarks>
internal sealed class StoreSampler
{
    private const int Share = 50, MaxDetails = 40;

    private static readonly TimeSpan MaxSilence = TimeSpan.FromSeconds(3), MaxPause = TimeSpan.FromMinutes(1);

    private readonly StoreSource source;
    private readonly TimeProvider time;
    private readonly TimeSpan interval;
    private readonly StoreInspector inspector;
    private readonly Lock sync = new();
    private StoreSample sample;
    private Task looking = Task.CompletedTask;
    private long begun;
    private TimeSpan pause;
    private TimeSpan? tookBefore;                    // the last look that did not fail
    private bool hasBegun;

    public StoreSampler(StoreSource source, DashboardOptions options)
    {
        (this.source, time, interval) = (source, options.Time, options.RefreshInterval);
        inspector = new(source.Store, time);
        sample = new(source, new Dictionary<string, StreamLook>(), new Dictionary<GroupId, GroupDetail>(), null, null);
    }

    public StoreSource Source => source;

    public StoreInspector Inspector => inspector;

    /// <summary>Returns what was seen last, after a look if one is due; it waits for the look for a limited time.</summary>
    public async Task<StoreSample> LookAsync(TimeSpan patience, CancellationToken cancellation)
    {
        Task look;
        lock (sync)
        {
            if (looking.IsCompleted && (!hasBegun || time.GetElapsedTime(begun) >= pause))
            {
                (hasBegun, begun, pause) = (true, time.GetTimestamp(), interval * Sampler.Early);
                looking = LookAsync();
            }
            look = looking;
        }
        await look.WaitAsync(patience, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        lock (sync)
        {
            if (look.IsCompleted) return sample;
            TimeSpan waits = time.GetElapsedTime(begun);
            return sample with
            {
                IsSilent = true,
                Problem = sample.At is not null && waits < MaxSilence ? sample.Problem
                    : $"The store has not answered for {Shown.Span(waits)}: is its server up, and its disk?",
            };
        }
    }

    /// <summary>Makes the next look due at once: something was changed.</summary>
    public void LookAgain()
    {
        lock (sync) hasBegun = false;
    }

    private async Task LookAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);        // out of the lock
        long started = time.GetTimestamp();
        try
        {
            Dictionary<string, StreamLook> streams = new(StringComparer.Ordinal);
            await foreach (StreamLook stream in inspector.LookAllAsync().ConfigureAwait(false))
                if (!StoreSource.IsInternal(stream.Name)) streams[stream.Name] = stream;
            Dictionary<GroupId, GroupDetail> groups = await LookAtGroupsAsync(streams.Values).ConfigureAwait(false);
            TimeSpan took = time.GetElapsedTime(started);
            lock (sync)
            {
                sample = new(source, streams, groups, time.GetUtcNow(), null);
                // A look that waited for a server says nothing of what looks cost.
                TimeSpan wanted = (took < tookBefore ? took : tookBefore ?? took) * Share;
                tookBefore = took;
                if (wanted > MaxPause) wanted = MaxPause;
                if (wanted > pause) pause = wanted;
            }
        }
        catch (ObjectDisposedException)
        {
            Fail("The store was disposed: what is shown is the last that was seen.");
        }
        catch (Exception e)
        {
            Fail(e.Message);
        }
    }

    // The members and oldest entries of groups with the largest backlogs: each costs several calls.
    private async Task<Dictionary<GroupId, GroupDetail>> LookAtGroupsAsync(IEnumerable<StreamLook> streams)
    {
        Dictionary<GroupId, GroupDetail> found = [];
        IEnumerable<GroupId> largest = streams.SelectMany(static stream => stream.Groups.Select(group => (stream.Name, group.Backlog)))
            .OrderByDescending(static one => one.Backlog.Outstanding).Take(MaxDetails)
            .Select(static one => new GroupId(one.Name, one.Backlog.Name));
        DateTimeOffset? now = null;
        foreach (GroupId group in largest)
        {
            if (await inspector.FindGroupAsync(group).ConfigureAwait(false) is not { } look) continue;
            TimeSpan? oldest = null;
            if (await inspector.FindOldestAsync(group).ConfigureAwait(false) is { } accepted)
                oldest = (now ??= await source.Store.GetTimeAsync().ConfigureAwait(false)) - accepted;
            found[group] = new(look, oldest);
        }
        return found;
    }

    private void Fail(string problem)
    {
        lock (sync) sample = sample with { Problem = problem };
    }
}
