using System.Diagnostics.CodeAnalysis;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Topologies;

namespace Sluice.Dashboard.Sampling;

/// <summary>What the list of runs shows of the run of a flow.</summary>
internal sealed record RunLine(string Run, FlowStatus Status, int Ended, int Processors, DateTimeOffset StartedAt, string StartedBy,
    string Error)
{
    public bool HasEnded => Status > FlowStatus.Running;

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Whether the store has kept all inputs, so that the run can be started again. Null if the streams were not read.</summary>
    public bool? HasInputs { get; init; }

    /// <summary>The most failed attempts of a processor. One that ended because another has failed does not count.</summary>
    public int FailedAttempts { get; init; }

    /// <summary>The processor with the most failed attempts, which is tried again; null if there is none.</summary>
    public (string Name, int Attempts, string Why)? Failing { get; init; }

    public static RunLine Of(FlowRunInfo run) => new(run.Run, run.Status,
        run.Processors.Count(static one => one.Status > FlowStatus.Running), run.Processors.Count, run.StartedAt, run.StartedBy,
        VisibleText.Shorten(run.Processors.FirstOrDefault(static one => one.Origin == one.Name)?.Error ?? "", 200))
    {
        EndedAt = run.EndedAt,
        HasInputs = run.Streams.Count == 0 ? null : Pages.FlowPage.Lost(run).Length == 0,
        FailedAttempts = run.Processors.Where(static one => one.Origin is null || one.Origin == one.Name)
            .Select(static one => one.FailedAttempts).DefaultIfEmpty().Max(),
        Failing = run.Processors.Where(static one => one is { Status: <= FlowStatus.Running, FailedAttempts: > 0 })
            .MaxBy(static one => one.FailedAttempts) is { } worst
            ? (VisibleText.Shorten(worst.Name, 60), worst.FailedAttempts, VisibleText.Shorten(worst.LastFailure ?? "", 200)) : null,
    };
}

/// <summary>A page of the runs in a store.</summary>
/// <param name="Lines">The runs of the page.</param>
/// <param name="Read">How many runs were read so far.</param>
/// <param name="All">How many there are.</param>
/// <param name="Problems">Why some were not read.</param>
internal sealed record RunLines(IReadOnlyList<RunLine> Lines, int Read, int All, IReadOnlyList<string> Problems)
{
    /// <summary>Of a search by id: the last id of the page if more follow, also if its run cannot be read; otherwise null.</summary>
    public string? Next { get; init; }
}

/// <summary>The runs that the first page shows.</summary>
/// <param name="Lines">The first of them.</param>
/// <param name="Count">How many there are, among those that were read.</param>
/// <param name="Read">How many runs were read so far.</param>
/// <param name="All">How many runs there are.</param>
internal sealed record UrgentRuns(IReadOnlyList<RunLine> Lines, int Count, int Read, int All);

/// <summary>Knows the runs of flows in a store, as far as somebody has looked at their list.</summary>
/// <remarks>
/// Each look reads a limited number of journals, whatever the number of runs: runs that are new, beginning with the greatest ids, because
/// ids that Sluice makes grow with time; then those that have not ended, in turn; and the ended ones of the page that is asked for, each
/// minute, because an id may be used again. Thread-safe; locking rule: looks follow each other by <c>turn</c>, which guards everything.
/// </remarks>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable",
    Justification = "A semaphore whose handle nobody asks for holds nothing.")]
internal sealed class FlowSampler(IStreamStore store, TimeProvider time)
{
    /// <summary>How many journals of a kind a look reads.</summary>
    public const int MaxNew = 200, MaxOpen = 100, MaxAgain = 100;

    /// <summary>How many journals of a kind a look for the first page reads, after its first one: it shows few runs, all day.</summary>
    public const int MaxGlanced = 20;

    /// <summary>How many runs are known at most: those with the greatest ids.</summary>
    public const int MaxKnown = 100_000;

    private const int Share = 50, Together = 32, MaxProblems = 5;

    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(1);

    /// <summary>Who hosts the processors of runs.</summary>
    public FlowHosts Hosts { get; } = new(store, time);

    private readonly SemaphoreSlim turn = new(1);
    private readonly Dictionary<string, Known> known = new(StringComparer.Ordinal);
    private readonly Queue<string> open = new();     // runs that have not ended, or cannot be read yet
    private readonly HashSet<string> isOpen = new(StringComparer.Ordinal);
    private Queue<string> unread = new();
    private IReadOnlyList<string> ids = [];
    private long listed, looked;
    private TimeSpan listing = TimeSpan.Zero;
    private bool hasListed;

    /// <summary>Reads a run, and keeps what it has read for the next time.</summary>
    public FlowRunInspector Inspector { get; } = new(store);

    /// <summary>Returns the runs that have not ended, then the others, the latest first, as far as they are known.</summary>
    /// <param name="from">How many come before the page.</param>
    /// <param name="max">The length of the page.</param>
    /// <param name="interval">The least time between two looks at runs that are known.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<RunLines> LookAsync(int from, int max, TimeSpan interval, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await ListAsync(interval, cancellation).ConfigureAwait(false);
            await ReadOnAsync(interval, MaxNew, MaxOpen, cancellation).ConfigureAwait(false);
            string[] page = [.. Page(from, max).Select(static one => one.Run)];
            await ReadAsync([.. page.Where(IsOld).Take(MaxAgain)], cancellation).ConfigureAwait(false);
            return Lines(Page(from, max));
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Returns the runs that have not ended or have failed lately, as far as they are known, and how many there are.</summary>
    /// <param name="since">Runs that failed before are left out.</param>
    /// <param name="max">How many runs to return at most: those that have not ended, then the latest failures.</param>
    /// <param name="interval">The least time between two looks at runs that are known.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<UrgentRuns> LookAtUrgentAsync(DateTimeOffset since, int max, TimeSpan interval, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await ListAsync(interval, cancellation).ConfigureAwait(false);
            await ReadOnAsync(interval, known.Count == 0 ? MaxNew : MaxGlanced, MaxGlanced, cancellation).ConfigureAwait(false);
            RunLine[] urgent = [.. known.Values.Select(static one => one.Line).OfType<RunLine>()
                .Where(one => !one.HasEnded || (one.Status == FlowStatus.Failed && (one.EndedAt ?? one.StartedAt) >= since))];
            return new([.. urgent.OrderBy(static one => one.HasEnded).ThenBy(static one => one.Failing is null)
                .ThenByDescending(static one => one.StartedAt).Take(max)], urgent.Length, known.Count, ids.Count);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Returns the runs whose ids begin with a text, by id.</summary>
    /// <param name="prefix">The beginning of the ids.</param>
    /// <param name="after">The last id of the page before; empty for the first page.</param>
    /// <param name="max">The length of the page.</param>
    /// <param name="interval">The least time between two lists of ids.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<RunLines> FindAsync(string prefix, string after, int max, TimeSpan interval, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await ListAsync(interval, cancellation).ConfigureAwait(false);
            string[] found = [.. ids.Where(id => id.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(id, after) > 0)
                .Take(max + 1)];
            string[] page = found.Length > max ? found[..max] : found;
            await ReadAsync([.. page.Where(IsOld)], cancellation).ConfigureAwait(false);
            return Lines(page.Select(id => known.GetValueOrDefault(id).Line).OfType<RunLine>()) with
            {
                Next = found.Length > max ? page[^1] : null,
            };
        }
        finally
        {
            turn.Release();
        }
    }

    // A long list takes at most one fiftieth of the time.
    private async Task ListAsync(TimeSpan interval, CancellationToken cancellation)
    {
        TimeSpan pause = listing * Share;
        if (hasListed && time.GetElapsedTime(listed) < (pause > interval ? pause : interval)) return;
        long began = time.GetTimestamp();
        IReadOnlyList<string> found = await Inspector.ListIdsAsync(cancellation).ConfigureAwait(false);
        (listing, listed, hasListed) = (time.GetElapsedTime(began), time.GetTimestamp(), true);
        if (found.Count == ids.Count && found.SequenceEqual(ids)) return;
        ids = found;
        HashSet<string> there = [.. found];
        foreach (string gone in known.Keys.Where(id => !there.Contains(id)).ToArray()) known.Remove(gone);
        unread = new(found.Reverse().Take(MaxKnown).Where(id => !known.ContainsKey(id)));
    }

    private async Task ReadOnAsync(TimeSpan interval, int maxNew, int maxOpen, CancellationToken cancellation)
    {
        if (looked != 0 && time.GetElapsedTime(looked) < interval) return;
        looked = time.GetTimestamp();
        await ReadNextAsync(unread, maxNew, cancellation).ConfigureAwait(false);
        await ReadNextAsync(open, maxOpen, cancellation).ConfigureAwait(false);
    }

    private bool IsOld(string id) => !known.TryGetValue(id, out Known one) || one.Line is not { } line || !line.HasEnded
        || time.GetElapsedTime(one.At) >= MaxAge;

    private IEnumerable<RunLine> Page(int from, int max) => known.Values.Select(static one => one.Line).OfType<RunLine>()
        .OrderBy(static one => one.HasEnded).ThenByDescending(static one => one.StartedAt).ThenBy(static one => one.Run,
            StringComparer.Ordinal).Skip(from).Take(max);

    private RunLines Lines(IEnumerable<RunLine> page) => new([.. page], known.Count, ids.Count,
        [.. known.Values.Select(static one => one.Problem).OfType<string>().Take(MaxProblems)]);

    // A run leaves its queue when it was read: a look that fails loses none.
    private async Task ReadNextAsync(Queue<string> from, int max, CancellationToken cancellation)
    {
        for (int left = Math.Min(max, from.Count); left > 0;)
        {
            string[] some = [.. from.Take(Math.Min(left, Together))];
            await ReadAsync(from == open ? [.. some.Where(known.ContainsKey)] : some, cancellation).ConfigureAwait(false);
            foreach (string id in some)
            {
                from.Dequeue();
                if (from == open && isOpen.Remove(id)) NoteOpen(id);
            }
            left -= some.Length;
        }
    }

    private async Task ReadAsync(string[] some, CancellationToken cancellation)
    {
        foreach (string[] now in some.Chunk(Together))
        {
            Known[] found = await Task.WhenAll(now.Select(id => ReadAsync(id, cancellation))).ConfigureAwait(false);
            for (int i = 0; i < now.Length; i++)
            {
                known[now[i]] = found[i];
                NoteOpen(now[i]);
            }
        }
    }

    private void NoteOpen(string id)
    {
        if (known.TryGetValue(id, out Known one) && one.Line is not { HasEnded: true } && isOpen.Add(id)) open.Enqueue(id);
    }

    private async Task<Known> ReadAsync(string id, CancellationToken cancellation)
    {
        try
        {
            FlowRunInfo? run = await Inspector.GlanceAsync(id, cancellation).ConfigureAwait(false);
            return new(run is null ? null : RunLine.Of(run), time.GetTimestamp(), null);
        }
        catch (Exception e) when (e is FlowException or ArgumentException or InvalidTopologyException
            or StreamStoreException { IsPermanent: true })
        {
            return new(null, time.GetTimestamp(), $"The run {VisibleText.Shorten(id, 100)} is left out: {e.Message}");
        }
    }

    /// <param name="Line">The run; null if it cannot be read, or its start has not committed.</param>
    /// <param name="At">When it was read.</param>
    /// <param name="Problem">Why it cannot be read; null if it can.</param>
    private readonly record struct Known(RunLine? Line, long At, string? Problem);
}
