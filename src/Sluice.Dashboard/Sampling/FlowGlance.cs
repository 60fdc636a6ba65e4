using System.Diagnostics.CodeAnalysis;
using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Dashboard.Sampling;

/// <summary>A run of a flow on the first page.</summary>
/// <param name="Line">What the list of runs knows of it.</param>
/// <param name="Detail">The run with its streams; null if it has ended, or was not asked for.</param>
/// <param name="PerSecond">Values that were written in a second; null if that is not known.</param>
/// <param name="Verdict">What is wrong with it.</param>
/// <param name="Oldest">The age of the oldest value that a processor has not read; null if there is none, or it was not asked for.</param>
internal sealed record FlowSample(RunLine Line, FlowRunInfo? Detail, double? PerSecond, Verdict Verdict, TimeSpan? Oldest)
{
    /// <summary>Values that processors have not read; null if that is not known.</summary>
    public long? Backlog => Detail?.Streams.Sum(static stream => stream.Readers.Where(static one => one.Processor is not null)
        .Sum(static one => one.Unread));
}

/// <summary>The runs of a store on the first page.</summary>
/// <param name="Runs">Those that have not ended, and those that failed in the last day; the urgent ones first.</param>
/// <param name="Found">What is known of all runs.</param>
/// <param name="At">The time of the store.</param>
internal sealed record FlowSamples(IReadOnlyList<FlowSample> Runs, UrgentRuns Found, DateTimeOffset At);

/// <summary>Looks at the runs of a store for the first page, which waits for a limited time and then shows what was seen last.</summary>
/// <remarks>Thread-safe; locking rule: what was seen last under <c>sync</c>; one glance at a time, which alone uses the rates.</remarks>
[SuppressMessage("Reliability", "CA1031:Do not catch general exception types", Justification = "A store that fails is told by its look.")]
internal sealed class FlowGlance(IStreamStore store, FlowSampler runs, TimeProvider time)
{
    /// <summary>How many runs the first page shows, of how many that have not ended it reads the streams, and in how many
    /// streams of a run it looks for the oldest value.</summary>
    public const int MaxRuns = 20, MaxDetails = 10, MaxStreams = 20;

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300), Lately = TimeSpan.FromDays(1);

    private readonly Lock sync = new();
    private Dictionary<string, CountRate> rates = [];
    private Task glancing = Task.CompletedTask;
    private FlowSamples? seen;

    /// <summary>The runs that were seen last; null if none were seen yet.</summary>
    public FlowSamples? Seen
    {
        get
        {
            lock (sync) return seen;
        }
    }

    /// <summary>Returns the runs, or those that were seen last; null if none were seen yet.</summary>
    /// <param name="interval">The least time between two looks at runs.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<FlowSamples?> LookAsync(TimeSpan interval, CancellationToken cancellation)
    {
        Task glance;
        lock (sync)
        {
            if (glancing.IsCompleted) glancing = GlanceAsync(interval);
            glance = glancing;
        }
        await glance.WaitAsync(Patience, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return Seen;
    }

    private async Task GlanceAsync(TimeSpan interval)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);        // out of the lock
        try
        {
            DateTimeOffset now = await store.GetTimeAsync().ConfigureAwait(false);
            UrgentRuns urgent = await runs.LookAtUrgentAsync(now - Lately, MaxRuns, interval, CancellationToken.None).ConfigureAwait(false);
            string[] open = [.. urgent.Lines.Where(static one => !one.HasEnded).Take(MaxDetails).Select(static one => one.Run)];
            Dictionary<string, FlowRunInfo> details = new(StringComparer.Ordinal);
            Dictionary<string, DateTimeOffset> oldest = new(StringComparer.Ordinal);
            Dictionary<string, HostLook> hosts = new(StringComparer.Ordinal);
            foreach (string id in open)
            {
                try
                {
                    if (await runs.Inspector.FindAsync(id).ConfigureAwait(false) is not { } found) continue;
                    details[id] = found;
                    hosts[id] = await runs.Hosts.LookAsync(found, CancellationToken.None).ConfigureAwait(false);
                    if (await FindOldestAsync(found).ConfigureAwait(false) is { } written) oldest[id] = written;
                }
                catch (StreamStoreException e) when (e.IsPermanent)
                {
                    // Damage in one run says nothing about the others; the page of the run says what is wrong with it.
                }
            }
            Dictionary<string, CountRate> used = new(StringComparer.Ordinal);
            FlowSample[] samples = [.. urgent.Lines.Select(line => Compare(line, details.GetValueOrDefault(line.Run), used, now,
                oldest.TryGetValue(line.Run, out DateTimeOffset written) ? now - written : null, hosts.GetValueOrDefault(line.Run)))
                .OrderByDescending(static one => one.Verdict.Urgency).ThenByDescending(static one => one.Line.StartedAt)];
            rates = used;
            lock (sync) seen = new(samples, urgent, now);
        }
        catch (Exception)
        {
            // The look at the store says what is wrong with it, and the page of the run what is wrong with the run.
        }
    }

    private FlowSample Compare(RunLine line, FlowRunInfo? detail, Dictionary<string, CountRate> used, DateTimeOffset now, TimeSpan? oldest,
        HostLook? hosts)
    {
        double? perSecond = null;
        if (detail is not null)
        {
            line = RunLine.Of(detail);
            CountRate rate = rates.GetValueOrDefault(line.Run) ?? new(time);
            used.Add(line.Run, rate);
            perSecond = rate.Add(detail.Streams.Sum(static stream => stream.Written));
        }
        return new(line, detail, perSecond, FlowVerdict.Of(line, detail, now, hosts), oldest);
    }

    // When the oldest value was written that a processor has not read: one read for each stream with such values, in a few streams.
    private async Task<DateTimeOffset?> FindOldestAsync(FlowRunInfo run)
    {
        DateTimeOffset? oldest = null;
        foreach ((FlowStreamInfo stream, long unread) in run.Streams.Select(static stream => (stream, Unread: stream.Readers
                .Where(static one => one.Processor is not null).Select(static one => one.Unread).DefaultIfEmpty().Max()))
            .Where(static one => one.Unread > 0).OrderByDescending(static one => one.Unread).Take(MaxStreams))
        {
            ReadResult? first = await FlowInspector.ReadAsync(store, run.Run, stream.Name, Math.Max(1, stream.Written - unread + 1), 1)
                .ConfigureAwait(false);
            if (first is { Entries.IsEmpty: false } && !(oldest <= first.Entries.Span[0].Time)) oldest = first.Entries.Span[0].Time;
        }
        return oldest;
    }
}
