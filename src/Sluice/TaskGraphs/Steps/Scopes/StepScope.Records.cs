namespace Sluice;

public sealed partial class StepScope
{
    private readonly List<CallRecord> records = [];
    private readonly long began;
    private int called;
    private int running;
    private int succeeded;
    private int failed;
    private int cancelled;

    /// <summary>The calls that were made so far, what each depended on or has awaited while it ran, when it ran, and what the scope waited for: a node each, by the name of its step, in the order of the calls. Made anew each time. Several calls of one step are told apart by their arguments, <c>Fetch(1)</c>, as far as these are numbers, short texts and the like.
    /// Bodies that have awaited each other in a circle say so; the edge that closed the circle is left out.</summary>
    /// <exception cref="InvalidOperationException">The scope records nothing (<see cref="StepScopeOptions.RecordsGraph"/>).</exception>
    public Topology Topology
    {
        get
        {
            if (!options.RecordsGraph) throw new InvalidOperationException($"The scope was begun without {nameof(StepScopeOptions.RecordsGraph)}, so there is no picture of it.");
            CallRecord[] all;
            lock (sync) all = [.. records];
            var graph = new CallGraph(all);
            var builder = new TopologyBuilder(options.Name);
            Dictionary<string, int> calls = all.CountBy(record => record.Definition.Name, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
            foreach (CallRecord record in all)
            {
                string step = record.Definition.Name;
                string name = calls[step] > 1 && record.ArgumentsText is { } arguments ? $"{step}({arguments})" : step;
                IEnumerable<string> circles = graph.LeftOut(record).Select(other => $"awaited {(ReferenceEquals(other, record) ? "itself" : other.Definition.Name)}, a circle");
                builder.Add("step", hint: name, output: record.Output == typeof(Unit) ? null : record.Output, details: [.. record.Definition.Describe(), .. circles]);
                foreach (CallRecord dependency in graph.Drawn(record)) builder.Connect(dependency.Number, record.Number);
            }
            return builder.Build().WithTimes(node => all[node].TimeSince(began, Time));
        }
    }

    /// <summary>How many steps are running.</summary>
    public int Running => Volatile.Read(ref running);

    /// <summary>Under the lock.</summary>
    private CallRecord Record(StepDefinition definition, Type output)
    {
        var record = new CallRecord(this, records.Count, definition, output);
        records.Add(record);
        return record;
    }

    /// <summary>The body is about to run.</summary>
    internal void OnStarted(string step, CallRecord? record)
    {
        Interlocked.Increment(ref running);
        if (record is not null)
        {
            record.Started = Time.GetTimestamp();
            record.Status = FutureStatus.Running;
        }
        Report(step, FutureStatus.Running);
    }

    /// <summary>The outcome is known, but nobody was told yet: whoever awaits the call finds it counted.</summary>
    /// <param name="hasRun">Whether it had started.</param>
    /// <param name="status">How it ends.</param>
    /// <param name="record">Of the call.</param>
    internal void OnEnding(bool hasRun, FutureStatus status, CallRecord? record)
    {
        if (record is not null)
        {
            record.Ended = Time.GetTimestamp();
            record.Status = status;
        }
        if (hasRun) Interlocked.Decrement(ref running);
        switch (status)
        {
            case FutureStatus.Succeeded: Interlocked.Increment(ref succeeded); break;
            case FutureStatus.Cancelled: Interlocked.Increment(ref cancelled); break;
            default: Interlocked.Increment(ref failed); break;
        }
    }

    /// <summary>Tells whoever watches.</summary>
    internal void Report(string step, FutureStatus status)
    {
        if (options.Progress is null) return;
        try
        {
            options.Progress.Report(new(step, status, Time.GetElapsedTime(began), Volatile.Read(ref called), Volatile.Read(ref running), Volatile.Read(ref succeeded),
                Volatile.Read(ref failed), Volatile.Read(ref cancelled)));
        }
        catch (Exception e)                          // no step's fault, and nobody awaits it: the scope reports it
        {
            var failure = new Failure(nameof(StepScopeOptions.Progress), e, isCancellation: false);
            lock (sync) Keep(failure);
        }
    }
}
