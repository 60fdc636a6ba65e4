using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>The store calls for one output stream of a run.</summary>
/// <param name="calls">The store.</param>
/// <param name="run">The id of the run.</param>
/// <param name="plan">The plan of the stream.</param>
/// <param name="processor">The writer.</param>
/// <param name="reports">Notified of long waits for room; null for none.</param>
/// <param name="slot">The function's slot, given up during a wait for room.</param>
/// <param name="life">Cancelled when writing must stop.</param>
/// <remarks>Not thread-safe.</remarks>
internal sealed class OutputStream(StoreRetrier calls, string run, StreamPlan plan, string processor, IStallReports? reports,
    ExecutionSlot? slot, CancellationToken life)
{
    private const int LookEvery = 1000;

    private readonly string stream = FlowNames.Values(run, plan.Name);
    private readonly long lookEvery = Math.Min(LookEvery, plan.MaxKept);
    private long lookAt = Math.Min(LookEvery, plan.MaxKept);

    public string Run => run;

    public string Name => plan.Name;

    public string Processor => processor;

    public string Stream => stream;

    public StoreRetrier Calls => calls;

    public IStallReports? Reports => reports;

    public CancellationToken Life => life;

    /// <summary>The telemetry of the writer's start; null if it is no processor.</summary>
    public StartTelemetry? Telemetry { get; init; }

    /// <summary>The trace of a value that is put out now; null if it has none. Of a feed, it is the trace of the start.</summary>
    public EntryTrace? Trace
    {
        get => Telemetry is null ? field : Telemetry.OfOutput();
        init;
    }

    /// <summary>
    /// The largest number of values per append: a fraction of the bound, so that readers and the writer work at the same time.
    /// </summary>
    public int MaxItems { get; } = (int)Math.Clamp(plan.MaxItems / 4, 1, 512);

    /// <summary>Awaits a task while the function's slot is free.</summary>
    public async Task RestAsync(Task waited, CancellationToken cancellation)
    {
        if (slot is null)
        {
            await waited.WaitAsync(cancellation).ConfigureAwait(false);
            return;
        }
        await slot.RestAsync(cancellation).ConfigureAwait(false);
        try
        {
            await waited.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            await slot.GoOnAsync().ConfigureAwait(false);          // also after a cancelled wait
        }
    }

    public EntryBatch NewBatch() => new()
    {
        Stream = plan.Name,
        MaxEntryBytes = plan.MaxItemBytes,
        LimitName = FlowStreamOptions.LimitName
    };

    public Task<ProducerState> OpenProducerAsync(CancellationToken cancellation)
        => calls.DoAsync(stream, () => calls.Store.OpenProducerAsync(stream, processor, cancellation), cancellation);

    /// <summary>Appends values; waits while the stream is full.</summary>
    /// <exception cref="OperationCanceledException">Another host writes the stream now.</exception>
    /// <exception cref="FlowException">The stream has ended, or keeps too many values.</exception>
    public async Task AppendAsync(long epoch, long first, EntryBatch entries, ReadOnlyMemory<byte> position)
    {
        var request = new AppendRequest(stream, processor, epoch, first, entries) { Position = position };
        await using var wait = new OutputWait(this);
        while (true)
        {
            long seen = await calls.DoAsync(stream, () => calls.Store.WaitForChangeAsync(stream, -1, life), life).ConfigureAwait(false);
            AppendResult result = await calls.DoAsync(stream, () => calls.Store.AppendAsync(request, life), life).ConfigureAwait(false);
            switch (result.Status)
            {
                case AppendStatus.Accepted or AppendStatus.Duplicate:
                    await LookAsync(request.LastSequence).ConfigureAwait(false);
                    return;
                case AppendStatus.Full:
                    await LookAsync(long.MaxValue).ConfigureAwait(false);
                    await wait.WaitAsync(seen, result.RetryAfter).ConfigureAwait(false);
                    break;
                case AppendStatus.Ended:
                    throw new FlowException(
                        $"The stream {Name} of the run {run} has ended, the processor {processor} can put out nothing to it any more.")
                    {
                        Run = run
                    };
                case AppendStatus.Gap:
                    throw new StoreRolledBackException(
                        $"The store has lost values of the stream {Name} of the run {run}: it knows {result.Last:N0}, the "
                            + $"processor {processor} had put out {first - 1:N0}.")
                    { Stream = stream, Store = calls.Store.Root };
                default:
                    throw new TakenOverException($"The processor {processor} of the run {run} is run by another host now.");
            }
        }
    }

    /// <summary>Checks, every so many values and if there is no room, how many values the stream keeps, and for whom.</summary>
    public async Task LookAsync(long count)
    {
        if (count < lookAt) return;
        if (count < long.MaxValue) lookAt = count + lookEvery;
        StreamInfo? info = await calls.DoAsync(stream, () => calls.Store.FindStreamAsync(stream, life), life).ConfigureAwait(false);
        if (info is null) return;
        if (info.Readers.Count == 0 && plan.Retention != Retention.All)
        {
            // A stream without readers keeps everything, so a reader passes it all.
            await calls.DoAsync(stream, () => calls.Store.OpenReaderAsync(stream, ReaderNames.Nobody,
                new() { AppliesBackpressure = false, Start = StreamStart.New }, life), life).ConfigureAwait(false);
            return;
        }
        if (info.Readers is [{ Name: ReaderNames.Nobody } nobody])
        {
            var move = new CursorCommit(stream, nobody.Name, 0, nobody.Next[0] + nobody.Backlog);
            await calls.DoAsync(stream, () => calls.Store.MoveReaderAsync(move, life), life).ConfigureAwait(false);
        }
        else if (plan.Retention != Retention.All && info.Readers.MaxBy(reader => reader.Backlog) is { } slowest
            && slowest.Backlog > plan.MaxKept)
            throw new FlowException(
                $"The stream {Name} of the run {run} keeps {slowest.Backlog:N0} values for {ReaderNames.Text(slowest.Name)}, which holds "
                    + $"nobody up. The limit is "
                + $"{plan.MaxKept:N0} (FlowStreamOptions.MaxKept). Raise it, read the results while they are made, or let the processor "
                + $"resume per item.")
            { Run = run, Processor = processor };
    }
}
