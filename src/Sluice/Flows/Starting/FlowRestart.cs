namespace Sluice.Flows;

/// <summary>Starts an ended run again under another id: the flow from its plan, the inputs from its streams.</summary>
internal sealed class FlowRestart(SupervisorCore core, RunPlan plan, Func<string, BoundFunction?> find)
{
    // As many as the commit of a start holds; more are read while they are put in.
    private const int MaxAtOnce = 200;

    /// <summary>Starts the new run. This service puts in its inputs, until the service ends.</summary>
    /// <exception cref="FlowException">The store has not kept an input, or a function here has other types.</exception>
    public async Task StartAsync(string run, CancellationToken cancellation)
    {
        foreach (ProcessorPlan processor in plan.Processors)
            if (find(processor.Name) is { } function) FlowTypes.Check(plan.Streams, processor, function);
        List<IOVal> given = [];
        foreach (StreamPlan stream in plan.Streams.Where(static one => one.IsGiven))
            given.AddRange(await ReadAsync(stream, cancellation).ConfigureAwait(false));
        Dictionary<string, FlowType> types = plan.Streams.Where(static one => one.Type is not null)
            .ToDictionary(static one => one.Name, static one => new FlowType(one.Type!, one.Schema), StringComparer.Ordinal);
        var start = new FlowStart(core, Flow(), given, new(plan.Results, KeepsOutputs: false, MayBeRepeated: true), types, run);
        await start.StartAsync(feeding: CancellationToken.None, cancellation).ConfigureAwait(false);
    }

    // The plan has the retention of each stream, also where it came from keepOutputs.
    private Flow Flow() => plan.Streams.Aggregate(Flows.Flow.From(plan.Processors.Select(static one => one.ToProcessor())),
        static (flow, stream) => flow.With(stream.Name, new()
        {
            MaxItems = stream.MaxItems,
            MaxBytes = stream.MaxBytes,
            MaxItemBytes = stream.MaxItemBytes,
            MaxKept = stream.MaxKept,
            Retention = stream.Retention
        })).Resolve();

    private async Task<IEnumerable<IOVal>> ReadAsync(StreamPlan stream, CancellationToken cancellation)
    {
        string name = FlowNames.Values(plan.Run, stream.Name);
        StreamInfo? info = await core.Calls.DoAsync([], () => core.Store.FindStreamAsync(name, cancellation), cancellation)
            .ConfigureAwait(false);
        if (info is { End: null or { IsFailure: true } }) throw Unfinished(stream.Name, info.End?.Failure);
        if (info is null || !FlowReports.IsWhole(info) || (stream.Given is { Count: >= 0 } given && given.Count != info.Appended))
            throw Gone(stream.Name);
        if (info.Appended is > MaxAtOnce or 0)           // read after this call, with the token of the feed
            return [new StoredValues(stream.Name, EnumerateAsync(stream.Name, CancellationToken.None))];
        List<IOVal> values = [];
        await foreach (byte[] payload in EnumerateAsync(stream.Name, cancellation).ConfigureAwait(false))
            values.Add(new StoredValue(stream.Name, payload));
        return values;
    }

    private async IAsyncEnumerable<byte[]> EnumerateAsync(string stream,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
    {
        string name = FlowNames.Values(plan.Run, stream);
        IPayloadSerializer<byte[]> raw = core.Options.Serializers.In(name).Raw;
        for (long next = 1; ;)
        {
            var request = new ReadRequest(name, 0, next);
            ReadResult read = await core.Calls.DoAsync(name, () => core.Store.ReadAsync(request, cancellation), cancellation)
                .ConfigureAwait(false);
            if (read.Missed > 0) throw Gone(stream);
            for (int i = 0; i < read.Entries.Length; i++) yield return raw.Read(read.Entries.Span[i], name, 0);
            if (read.End is not null) yield break;
            if (read.Entries.IsEmpty) throw Gone(stream);
            next = read.Next;
        }
    }

    private FlowException Unfinished(string stream, string? end)
    {
        StreamFailure? failure = end is null ? null : RunJson.Failure(end);
        string why = failure is null ? "" : failure.IsCancelled ? $": the run was cancelled: {failure.Error}" : $": {failure.Error}";
        return new($"The run {plan.Run} cannot be started again: its input {stream} was not put in to its end{why.TrimEnd('.')}. Start the "
            + "flow anew, with the whole input.")
        { Run = plan.Run };
    }

    private FlowException Gone(string stream)
        => new($"The run {plan.Run} cannot be started again: the store has not kept all values of its input {stream}. A value leaves the "
            + $"store once it was read. To keep the input until the run is deleted, give its stream Retention.All before the run is "
            + $"started: flow.With(\"{stream}\", new() {{ Retention = Retention.All }}).")
        { Run = plan.Run };
}
