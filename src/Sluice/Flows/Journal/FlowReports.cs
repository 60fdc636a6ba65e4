namespace Sluice;

/// <summary>What anybody can ask about runs, and tell them.</summary>
internal static class FlowReports
{
    /// <param name="calls">The store.</param>
    /// <param name="run">The run.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="findHost">Adds what is known of a processor's hosts.</param>
    /// <returns>Null if there is no such run.</returns>
    public static async Task<FlowStatus?> StatusAsync(StoreRetrier calls, string run, CancellationToken cancellation, Func<ProcessorStatus, Task<ProcessorStatus>>? findHost = null)
    {
        RunWatch? watch = await RunWatch.OpenAsync(calls, run, cancellation).ConfigureAwait(false);
        if (watch is null) return null;
        await using (watch.ConfigureAwait(false))
        {
            Dictionary<string, StreamInfo> streams = new(StringComparer.Ordinal);
            foreach (StreamPlan plan in watch.Plan.Streams)
                if (await calls.Store.FindStreamAsync(FlowNames.Values(run, plan.Name), cancellation).ConfigureAwait(false) is { } info) streams.Add(plan.Name, info);
            FlowStatus status = StatusBook.Of(watch, [.. watch.Plan.Streams.Where(plan => streams.ContainsKey(plan.Name)).Select(plan => Of(plan.Name, streams[plan.Name]))]);
            if (findHost is not null) status = status with { Processors = await Task.WhenAll(status.Processors.Select(findHost)).ConfigureAwait(false) };
            var waits = new WaitReport(watch, streams, status.Processors.ToDictionary(processor => processor.Name));
            return status with { Processors = [.. status.Processors.Select(processor => processor with { WaitsFor = waits.Of(processor.Name), IsHeldUp = waits.IsHeldUp(processor.Name) })] };
        }
    }

    /// <summary>The same, with what this service knows of the hosts of processors that have not ended.</summary>
    public static Task<FlowStatus?> StatusWithHostsAsync(SupervisorCore core, string run, CancellationToken cancellation)
    {
        return StatusAsync(core.Calls, run, cancellation, FindHostAsync);

        async Task<ProcessorStatus> FindHostAsync(ProcessorStatus processor)
            => processor.State > FlowState.Running ? processor : processor with { NoHostFor = await core.Hosts.NobodyForAsync(processor.Name, cancellation).ConfigureAwait(false) };
    }

    /// <summary>All runs, by id, as far as they are in the store. One whose journal cannot be read is left out, with a warning.</summary>
    /// <param name="calls">The store.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="notStarted">Told of each id under which a start has made streams, and has not got as far as its commit.</param>
    public static async IAsyncEnumerable<FlowStatus> ListAsync(StoreRetrier calls, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation, Action<string>? notStarted = null)
    {
        foreach (string journal in await calls.Store.ListStreamsAsync(FlowNames.Runs, cancellation).ConfigureAwait(false))
            if (await FindAsync(journal[FlowNames.Runs.Length..]).ConfigureAwait(false) is { } status) yield return status;

        async Task<FlowStatus?> FindAsync(string run)
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
            catch (Exception e) when (e is FlowException or ArgumentException or InvalidTopologyException or StreamStoreException { IsPermanent: true })
            {
                calls.Warn($"The run {run} is left out: {e.Message}");
                return null;
            }
        }
    }

    /// <summary>First it is written down, then all streams are failed: whoever waits for one is told at once, and whoever comes later reads it.</summary>
    public static async Task CancelAsync(SupervisorCore core, RunPlan plan, string reason, CancellationToken cancellation)
    {
        string why = reason.Length > 0 ? reason : $"by {core.Options.Name}";
        await RunWatch.AddAsync(core.Calls, plan.Run, new(RunEventKind.CancelRequested, core.Options.Name, Error: why), cancellation).ConfigureAwait(false);
        StreamEnd end = RunJson.End(new(null, why, IsCancelled: true));
        foreach (string stream in plan.Streams.Select(stream => FlowNames.Values(plan.Run, stream.Name)))
            await core.Calls.DoAsync(stream, () => core.Store.EndStreamAsync(stream, end, cancellation), cancellation).ConfigureAwait(false);
    }

    /// <summary>A processor that some service has taken on and not left: what it still does must not meet another run of this id.</summary>
    public static async Task<ProcessorStatus?> FindBusyAsync(IStreamStore store, FlowStatus status, CancellationToken cancellation)
    {
        foreach (ProcessorStatus processor in status.Processors)
        {
            if (await store.FindStreamAsync(FlowNames.Work(processor.Name), cancellation).ConfigureAwait(false) is not { } work) continue;
            int partition = EntryKey.Of(status.Run).PartitionOf(work.Options.Partitions);
            if ((await store.ReadStateAsync(FlowNames.Hosts(processor.Name), partition, WorkPartition.Node, [status.Run], cancellation).ConfigureAwait(false)).Count > 0) return processor;
        }
        return null;
    }

    /// <summary>Removes a run with everything in it. The journal goes last, so that a deletion that was interrupted can be repeated.</summary>
    /// <returns>Whether there was anything; also of a start that did not get as far as its commit.</returns>
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

    private static FlowStreamStatus Of(string name, StreamInfo info) => new(name, info.Appended, info.Items, info.Bytes, info.End is not null);
}
