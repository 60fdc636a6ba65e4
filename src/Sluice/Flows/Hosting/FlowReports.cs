using Sluice.Diagnostics;
using Sluice.Scheduling;
using Sluice.Topologies;

namespace Sluice.Flows;

/// <summary>Queries and commands on runs: status, list, cancel, delete.</summary>
internal static class FlowReports
{
    private const int MaxCallsTogether = 128;

    /// <summary>Reads the status of a run.</summary>
    /// <param name="calls">The store.</param>
    /// <param name="run">The id of the run.</param>
    /// <param name="cancellation">Cancels the query.</param>
    /// <param name="findHost">Adds what this service knows of a processor's hosts.</param>
    /// <returns>The report; null if there is no such run.</returns>
    public static async Task<FlowRunInfo?> StatusAsync(StoreRetrier calls, string run, CancellationToken cancellation,
        Func<ProcessorInfo, Task<ProcessorInfo>>? findHost = null)
    {
        var timeline = new RunTimeline();
        RunWatch? watch = await RunWatch.OpenAsync(calls, run, cancellation, timeline: timeline).ConfigureAwait(false);
        if (watch is null) return null;
        await using (watch.ConfigureAwait(false))
            return await StatusAsync(calls, watch, timeline, cancellation, findHost).ConfigureAwait(false);
    }

    /// <summary>Reads the status of a run whose journal was read.</summary>
    public static async Task<FlowRunInfo> StatusAsync(StoreRetrier calls, RunWatch watch, RunTimeline timeline,
        CancellationToken cancellation, Func<ProcessorInfo, Task<ProcessorInfo>>? findHost = null)
    {
        Dictionary<string, StreamInfo> streams = new(StringComparer.Ordinal);
        // Calls that are made together share a round trip or a turn of the store's thread.
        foreach (StreamPlan[] some in watch.Plan.Streams.Chunk(MaxCallsTogether))
        {
            StreamInfo?[] found = await Task.WhenAll(some.Select(plan
                => calls.Store.FindStreamAsync(FlowNames.Values(watch.Run, plan.Name), cancellation).AsTask())).ConfigureAwait(false);
            for (int i = 0; i < some.Length; i++)
                if (found[i] is { } info) streams.Add(some[i].Name, info);
        }
        FlowRunInfo status = StatusBook.Of(watch, [.. watch.Plan.Streams.Where(plan => streams.ContainsKey(plan.Name))
            .Select(plan => Of(watch.Plan, plan, streams[plan.Name]))]);
        if (findHost is not null)
            status = status with { Processors = await Task.WhenAll(status.Processors.Select(findHost)).ConfigureAwait(false) };
        var waits = new WaitReport(watch, streams, status.Processors.ToDictionary(processor => processor.Name));
        return status with
        {
            Processors = [.. status.Processors.Select(processor => processor with
            {
                WaitsFor = waits.Of(processor.Name),
                IsHeldUp = waits.IsHeldUp(processor.Name),
                Periods = timeline.Of(processor.Name),
            })],
        };
    }

    /// <summary>Reads the status of a run, with what is known of the hosts of each processor that has not ended.</summary>
    public static Task<FlowRunInfo?> StatusWithHostsAsync(StoreRetrier calls, HostWatch hosts, string run, CancellationToken cancellation)
        => StatusAsync(calls, run, cancellation, processor => hosts.FindAsync(processor, cancellation));

    /// <summary>Lists all runs in the store, by id. A run whose journal cannot be read is left out, with a warning. Damage of the whole
    /// store lets the list fail.</summary>
    /// <param name="calls">The store.</param>
    /// <param name="cancellation">Cancels the query.</param>
    /// <param name="warn">Told of what is left out; null for the store's warnings.</param>
    /// <param name="notStarted">Receives each id whose start has created streams without reaching its commit.</param>
    public static async IAsyncEnumerable<FlowRunInfo> ListAsync(StoreRetrier calls,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation, Action<string>? notStarted = null,
        Action<string>? warn = null)
    {
        foreach (string journal in await calls.Store.ListStreamsAsync(FlowNames.Runs, cancellation).ConfigureAwait(false))
            if (await FindAsync(journal[FlowNames.Runs.Length..]).ConfigureAwait(false) is { } status) yield return status;

        async Task<FlowRunInfo?> FindAsync(string run)
        {
            try
            {
                RunWatch? watch = await RunWatch.OpenAsync(calls, run, cancellation).ConfigureAwait(false);
                if (watch is null)
                {
                    notStarted?.Invoke(run);
                    return null;
                }
                await using (watch.ConfigureAwait(false)) return StatusBook.Of(watch, []);
            }
            catch (Exception e) when (e is FlowException or ArgumentException or InvalidTopologyException
                || (e is StreamStoreException { IsPermanent: true } damage && damage.Stream == FlowNames.Journal(run)))
            {
                (warn ?? calls.Warn)($"The run {run} is left out: {e.Message}");
                return null;
            }
        }
    }

    /// <summary>
    /// Cancels a run. The journal entry comes before the failure of the streams, so that later readers of either find it. Once the journal
    /// has it, the streams end also if the caller gives up or this service has ended: if no service hosts a processor, nothing else ends
    /// its streams.
    /// </summary>
    public static async Task CancelAsync(SupervisorCore core, RunPlan plan, string reason, CancellationToken cancellation)
    {
        string why = reason.Length > 0 ? StreamFailures.Short(reason) : $"by {core.Options.Name}";
        await RunWatch.AddAsync(core.Calls, plan.Run, new(RunEventKind.CancelRequested, core.Options.Name, Error: why), cancellation)
            .ConfigureAwait(false);
        Task ending = EndStreamsAsync(core, plan, RunJson.End(new(null, why, IsCancelled: true)));
        await ending.Observed().WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Ends the streams of a cancelled run that are still open: the service that cancelled it has died before it ended them.
    /// </summary>
    public static async Task EndOpenStreamsAsync(SupervisorCore core, RunPlan plan, string reason, CancellationToken cancellation)
    {
        StreamEnd end = RunJson.End(new(null, StreamFailures.Short(reason), IsCancelled: true));
        foreach (string stream in plan.Streams.Select(stream => FlowNames.Values(plan.Run, stream.Name)))
            if (await core.Calls.DoAsync([], () => core.Store.FindStreamAsync(stream, cancellation), cancellation).ConfigureAwait(false)
                is { End: null })
                await core.Calls.DoAsync(stream, () => core.Store.EndStreamAsync(stream, end, cancellation), cancellation)
                    .ConfigureAwait(false);
    }

    private static async Task EndStreamsAsync(SupervisorCore core, RunPlan plan, StreamEnd end)
    {
        foreach (string stream in plan.Streams.Select(stream => FlowNames.Values(plan.Run, stream.Name)))
            await core.Calls.DoAsync(stream, () => core.Store.EndStreamAsync(stream, end, CancellationToken.None), CancellationToken.None)
                .ConfigureAwait(false);
    }

    /// <summary>
    /// Finds a processor that a service still has in its state. What it still writes must not reach another run of this id.
    /// </summary>
    public static async Task<ProcessorInfo?> FindBusyAsync(IStreamStore store, FlowRunInfo status, CancellationToken cancellation)
    {
        foreach (ProcessorInfo processor in status.Processors)
        {
            if (await store.FindStreamAsync(FlowNames.Work(processor.Name), cancellation).ConfigureAwait(false) is not { } work) continue;
            int partition = EntryKey.Of(status.Run).PartitionOf(work.Options.Partitions);
            if ((await store.ReadStateAsync(FlowNames.Hosts(processor.Name), partition, WorkPartition.Node, [status.Run], cancellation)
                .ConfigureAwait(false)).Count > 0) return processor;
        }
        return null;
    }

    /// <summary>
    /// Waits until no service has a processor of the run in its state any more. Each ends in the journal first, then in the state: a run
    /// is over a moment before that.
    /// </summary>
    /// <returns>A processor that has not ended when the limit is reached, or null.</returns>
    public static async Task<ProcessorInfo?> WaitForWorkAsync(SupervisorCore core, FlowRunInfo status, CancellationToken limit,
        CancellationToken cancellation)
    {
        IStreamStore store = core.Store;
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit, cancellation);
        while (await AbandonedWork.FindBusyAsync(core, status, cancellation).ConfigureAwait(false) is { } busy)
        {
            string work = FlowNames.Work(busy.Name);
            try
            {
                long seen = await store.WaitForChangeAsync(work, -1, both.Token).ConfigureAwait(false);
                if ((await FindBusyAsync(store, status, cancellation).ConfigureAwait(false))?.Name == busy.Name)
                    await store.WaitForChangeAsync(work, seen, both.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
            {
                return busy;
            }
        }
        return null;
    }

    /// <summary>Deletes a run with all its streams. The journal is deleted last, so that an interrupted deletion can be repeated.</summary>
    /// <returns>Whether anything was there, also remains of a start without a commit.</returns>
    public static async Task<bool> DeleteAsync(IStreamStore store, string run, CancellationToken cancellation)
    {
        bool wasThere = false;
        foreach (string prefix in (string[])[FlowNames.AllValues(run), FlowNames.Choices(run, "")])
            foreach (string stream in await store.ListStreamsAsync(prefix, cancellation).ConfigureAwait(false))
            {
                await store.DeleteStreamAsync(stream, cancellation).ConfigureAwait(false);
                wasThere = true;
            }
        if (await store.FindStreamAsync(FlowNames.Journal(run), cancellation).ConfigureAwait(false) is null) return wasThere;
        await store.DeleteStreamAsync(FlowNames.Journal(run), cancellation).ConfigureAwait(false);
        return true;
    }

    /// <summary>Whether all values of a stream are in the store: none has left it, and no more are to come.</summary>
    public static bool IsWhole(StreamInfo info) => info.End is { IsFailure: false } && info.Items == info.Appended;

    private static FlowStreamInfo Of(RunPlan run, StreamPlan plan, StreamInfo info)
        => new(plan.Name, info.Appended, info.Items, info.Bytes, info.End is not null)
        {
            IsInput = plan.IsGiven,
            IsResult = run.Results.Contains(plan.Name),
            IsWhole = IsWhole(info),
            Readers = [.. info.Readers.Where(static reader => reader.Name != ReaderNames.Nobody)
                .GroupBy(static reader => ReaderNames.Plain(reader.Name)).Select(Of).OrderBy(static reader => reader.Name,
                    StringComparer.Ordinal)]
        };

    // A reader that keeps what it has read has a gate, which is where it reads.
    private static FlowReaderInfo Of(IGrouping<string, ReaderInfo> of)
        => new(ReaderNames.Who(of.Key), ReaderNames.Processor(of.Key), of.Min(static one => one.Backlog),
            of.Max(static one => one.Backlog));
}
