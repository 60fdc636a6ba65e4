using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice.Flows;

/// <summary>The options of a start, beside the flow and its inputs.</summary>
/// <param name="Results">The streams that the starter can read.</param>
/// <param name="KeepsOutputs">Whether these stay until the run is deleted.</param>
/// <param name="MayBeRepeated">Whether the caller chose the id, so that another start with it may come.</param>
internal sealed record StartChoices(string[] Results, bool KeepsOutputs, bool MayBeRepeated);

/// <summary>A run that was started, or that a start has found.</summary>
/// <param name="Plan">The stored plan.</param>
/// <param name="IsNew">Whether this start has started it.</param>
/// <param name="Feed">Ends when this service has put in all inputs.</param>
internal sealed record StartedRun(RunPlan Plan, bool IsNew, Task Feed);

/// <summary>Starts a run by one commit: the plan, the cursors of all readers, the given inputs, and an order for each processor.</summary>
/// <remarks>
/// Streams and groups are created before; empty, they have no effect. A second start with the same id finds the commit, or makes it.
/// So a start can be repeated, after a crash also by another process.
/// </remarks>
internal sealed class FlowStart(SupervisorCore core, Flow flow, IReadOnlyList<IOVal> given, StartChoices choices,
    Dictionary<string, FlowType> types, string run)
{
    // Small inputs are part of the commit; larger ones are fed afterwards.
    private const int MaxInCommit = 200;
    private const int MaxBytesInCommit = 256 << 10;

    private readonly GroupId group = FeedWatch.GroupOf(run);

    /// <summary>Starts the run, and begins to feed the inputs that are not part of the commit.</summary>
    /// <param name="feeding">Ends the feeds.</param>
    /// <param name="cancellation">
    /// Stops waiting. A commit that was sent still gets its answer, and the inputs of a run that it has started are fed.
    /// </param>
    public Task<StartedRun> StartAsync(CancellationToken feeding, CancellationToken cancellation)
    {
        Task<StartedRun> starting = StartNowAsync(feeding, cancellation);
        _ = starting.ContinueWith(static late => _ = late.Exception, CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return starting.WaitAsync(cancellation);
    }

    private async Task<StartedRun> StartNowAsync(CancellationToken feeding, CancellationToken cancellation)
    {
        Activity? span = FlowSpans.BeginStart(run);
        List<EntryBatch> batches = [];
        Exception? failure = null;
        try
        {
            RunPlan plan = FlowSpans.With(Plan(), span);
            StoreCommit commit = Commit(plan, batches, out IReadOnlyList<IGrouping<string, IOVal>> feeds);
            if (commit.Weight > StoreCommit.MaxItems) throw TooLarge(plan, commit);
            await OpenAsync(plan, cancellation).ConfigureAwait(false);
            while (true)
                if (await TryAsync(plan, commit, cancellation).ConfigureAwait(false) is var (found, isNew))
                    return new(found, isNew, isNew && feeds.Count > 0 ? Feed(plan, feeds, feeding) : Task.CompletedTask);
        }
        catch (Exception e)
        {
            failure = e;
            throw;
        }
        finally
        {
            foreach (EntryBatch batch in batches) batch.Dispose();
            if (span is not null) Telemetry.End(span, failure);
        }
    }

    /// <returns>The plan of the run, and whether this commit has started it; null if another start took over at the same time.</returns>
    private async Task<(RunPlan Plan, bool IsNew)?> TryAsync(RunPlan plan, StoreCommit commit, CancellationToken cancellation)
    {
        AcquireResult taken = await core.Calls.DoAsync(group.Stream,
            () => core.Store.AcquireAsync(group, 0, new(core.Options.Name), cancellation), cancellation).ConfigureAwait(false);
        if (taken.State!.LastCommit > 0) return (await FindAsync(plan, cancellation).ConfigureAwait(false), false);

        StoreCommit own = commit with { Owner = taken.Ownership };
        own.Check();
        string[] streams = [group.Stream, .. own.Outputs.Select(output => output.Stream), .. own.Ends.Select(end => end.Stream),
            .. own.Readers.Select(reader => reader.Stream)];
        // Without the caller's token: a run that has started needs its inputs, whether or not the caller still waits.
        CommitResult result = await core.Calls.DoAsync(streams, () => core.Store.CommitAsync(own), CancellationToken.None)
            .ConfigureAwait(false);
        return result.Status switch
        {
            CommitStatus.Committed => (plan, true),
            CommitStatus.Stale => null,
            _ => throw new FlowException($"The run {run} could not be started: {result.Detail}") { Run = run },
        };
    }

    private Task Feed(RunPlan plan, IReadOnlyList<IGrouping<string, IOVal>> feeds, CancellationToken feeding)
    {
        var feed = new FlowFeeds(core, plan, feeds, feeding);
        Task fed = feed.RunAsync();
        core.Add(fed, () => feed.IsReading);
        return fed;
    }

    private RunPlan Plan()
    {
        var floating = flow.Plan.FloatingInputs.ToHashSet();
        ILookup<string, IOVal> values = given.ToLookup(value => value.Name);
        PayloadSerializers plain = core.Options.Serializers.Unsealed;
        IEnumerable<string> names = flow.Processors.SelectMany(processor => processor.Inputs.Concat(processor.Outputs)).Distinct()
            .Order(StringComparer.Ordinal);
        return new(run, Guid.NewGuid().ToString("N"), core.Options.Name, [.. flow.Processors.Select(ProcessorPlan.Of)],
            [.. names.Select(Stream)], choices.Results);

        StreamPlan Stream(string name)
        {
            FlowStreamOptions options = flow.OptionsOf(name);
            Retention retention = choices.KeepsOutputs && choices.Results.Contains(name) ? Retention.All : options.Retention;
            FlowType type = types.GetValueOrDefault(name);
            return new(name, type.Name, floating.Contains(name), options.MaxItems, options.MaxBytes,
                options.MaxItemBytes, options.MaxKept, retention)
            { Given = Digest(name, options), Schema = type.Schema };
        }

        // A generated id is never used again.
        GivenValues? Digest(string name, FlowStreamOptions options)
        {
            if (!choices.MayBeRepeated || !floating.Contains(name)) return null;
            using var batch = new EntryBatch
            {
                Stream = name,
                MaxEntryBytes = options.MaxItemBytes,
                LimitName = FlowStreamOptions.LimitName
            };
            return StartComparison.Digest([.. values[name]], plain, batch);
        }
    }

    // The journal first: by it, the sweeper finds the remains of a start that dies before its commit. If it has entries, there is a run,
    // and a deletion may be removing its streams: no service would end streams that this start made anew.
    private async Task OpenAsync(RunPlan plan, CancellationToken cancellation)
    {
        var journal = new StreamOptions { Partitions = 1, Retention = Retention.All, MaxItems = long.MaxValue, MaxBytes = long.MaxValue };
        StreamInfo known = await core.Calls.DoAsync([], () => core.Store.OpenStreamAsync(group.Stream, journal, cancellation),
            cancellation).ConfigureAwait(false);
        await core.Calls.DoAsync(group.Stream, () => core.Store.AddGroupAsync(group, StreamStart.New, cancellation), cancellation)
            .ConfigureAwait(false);
        if (known is not { Appended: 0, End: null }) return;
        foreach (StreamPlan stream in plan.Streams)
        {
            string name = FlowNames.Values(run, stream.Name);
            await core.Calls.DoAsync([], () => core.Store.OpenStreamAsync(name, stream.Options, cancellation), cancellation)
                .ConfigureAwait(false);
        }
        foreach (ProcessorPlan processor in plan.Processors)
            await WorkGroup.OpenAsync(core, processor.Name, cancellation).ConfigureAwait(false);
    }

    // Its owner follows, when the start has acquired the journal.
    private StoreCommit Commit(RunPlan plan, List<EntryBatch> batches, out IReadOnlyList<IGrouping<string, IOVal>> feeds)
    {
        List<CommitOutput> outputs = [Output(group.Stream, RunJson.Entry(new RunEvent(RunEventKind.Begun, core.Options.Name, Plan: plan)))];
        outputs.AddRange(plan.Processors.Select(processor => Output(FlowNames.Work(processor.Name),
            RunJson.Entry(new WorkOrder(run, plan.Key)))));
        List<EndStream> ends = [];
        List<IGrouping<string, IOVal>> later = [];
        int items = 0;
        long bytes = 0;
        EntryTrace? trace = FlowSpans.OfInput(plan);
        foreach (IGrouping<string, IOVal> values in given.GroupBy(value => value.Name))
        {
            if (Write(values) is not { } batch)
            {
                later.Add(values);
                continue;
            }
            (items, bytes) = (items + batch.Count, bytes + batch.Bytes);
            if (batch.Count > 0) outputs.Add(Output(FlowNames.Values(run, values.Key), batch));
            ends.Add(new(FlowNames.Values(run, values.Key), StreamEnd.Complete));
        }
        feeds = later;
        return new(new(group, 0, 0), 1) { Outputs = outputs, Ends = ends, Readers = [.. Readers(plan)], MustLast = true };

        CommitOutput Output(string stream, EntryBatch batch)
        {
            batches.Add(batch);
            return new(stream, batch);
        }

        EntryBatch? Write(IGrouping<string, IOVal> values)
        {
            if (values.Any(value => value.IsStream) || items + values.Count() > MaxInCommit) return null;
            var batch = new EntryBatch
            {
                Stream = values.Key,
                MaxEntryBytes = plan.Stream(values.Key).MaxItemBytes,
                LimitName = FlowStreamOptions.LimitName
            };
            PayloadSerializers serializers = core.Options.Serializers.In(FlowNames.Values(plan.Run, values.Key));
            foreach (IOVal value in values) value.AddTo(batch, serializers, trace);
            if (bytes + batch.Bytes <= MaxBytesInCommit) return batch;
            batch.Dispose();
            return null;
        }
    }

    private IEnumerable<OpenReader> Readers(RunPlan plan)
    {
        foreach (ProcessorPlan processor in plan.Processors)
            foreach (string stream in processor.Inputs.Select(input => FlowNames.Values(run, input)))
            {
                string keeper = ReaderNames.Of(processor.Name);
                yield return new(stream, keeper, new() { AppliesBackpressure = false });
                if (!processor.Wait) yield return new(stream, ReaderNames.Gate(keeper), new());
            }
        foreach (string result in choices.Results)
            yield return new(FlowNames.Values(run, result), ReaderNames.OfResult(core.Options.Name),
                new() { AppliesBackpressure = false, IdleTimeout = core.Options.ResultRetentionDuration });
    }

    private static InvalidTopologyException TooLarge(RunPlan plan, StoreCommit commit)
    {
        int inputs = plan.Processors.Sum(static processor => processor.Inputs.Length);
        return new($"The flow is too large to be started: one commit starts a run, and for "
            + $"{Amounts.Of(plan.Processors.Length, "processor")} with {Amounts.Of(inputs, "input")} it has a weight of "
            + $"{Amounts.Of(commit.Weight)}; the limit is {Amounts.Of(StoreCommit.MaxItems)}. Divide the flow into several, each of which "
            + "is started with the results of another one.");
    }

    private async Task<RunPlan> FindAsync(RunPlan wanted, CancellationToken cancellation)
    {
        RunWatch? watch = await RunWatch.OpenAsync(core.Calls, run, cancellation).ConfigureAwait(false);
        await using (watch)
        {
            RunPlan found = watch?.Plan ?? throw new FlowException(
                $"The run {run} could not be started: it was deleted at the same time, or its start stood still for more than "
                    + $"{StartSweeper.Grace}, and another service gave it up and removes its streams. Start it again.")
            { Run = run };
            StartComparison.Check(found, wanted);
            return found;
        }
    }
}
