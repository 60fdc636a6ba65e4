using Sluice.Topologies;

namespace Sluice.Graphs;

public sealed partial class StepScope
{
    private readonly List<CallRecord> records = [];
    private readonly long began;
    private long called;                             // of a scope that lives as long as its program, more than an int counts
    private int running;
    private long succeeded;
    private long failed;
    private long cancelled;

    /// <summary>
    /// The graph of the calls so far, with their dependencies, awaits, times, and the critical path. Computed on each access.
    /// </summary>
    /// <remarks>
    /// A node for each call, in order, with the name of its step. If a step has several calls, the name has their arguments,
    /// <c>Fetch(1)</c>, as far as these are numbers, short texts and the like.
    /// Bodies that have awaited each other in a circle are marked; the edge that closed the circle is omitted.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The scope records nothing (<see cref="StepScopeOptions.RecordsGraph"/>).</exception>
    public Topology Topology
    {
        get
        {
            if (!options.RecordsGraph) throw new InvalidOperationException(
                $"The scope was begun without {nameof(StepScopeOptions.RecordsGraph)}, so there is no picture of it.");
            CallRecord[] all;
            lock (sync) all = [.. records];
            var graph = new CallGraph(all);
            var builder = new TopologyBuilder(options.Name);
            Dictionary<string, int> calls = all.CountBy(record => record.Definition.Name, StringComparer.Ordinal)
                .ToDictionary(StringComparer.Ordinal);
            foreach (CallRecord record in all)
            {
                string step = record.Definition.Name;
                string name = calls[step] > 1 && record.ArgumentsText is { } arguments ? $"{step}({arguments})" : step;
                IEnumerable<string> circles = graph.LeftOut(record)
                    .Select(other => $"awaited {(ReferenceEquals(other, record) ? "itself" : other.Definition.Name)}, a circle");
                builder.Add("step", hint: name, output: record.Output == typeof(Unit) ? null : record.Output,
                    details: [.. record.Definition.Describe(), .. circles]);
                foreach (CallRecord dependency in graph.Drawn(record)) builder.Connect(dependency.Number, record.Number);
            }
            return builder.Build().WithTimes(node => all[node].TimeSince(began, Time));
        }
    }

    /// <summary>The number of running steps.</summary>
    public int Running => Volatile.Read(ref running);

    /// <summary>Adds a record; call it under the lock.</summary>
    private CallRecord Record(StepDefinition definition, Type output)
    {
        var record = new CallRecord(this, records.Count, definition, output);
        records.Add(record);
        return record;
    }

    /// <summary>Counts a call whose body is about to run.</summary>
    internal void OnStarted(string step, CallRecord? record)
    {
        // A snapshot that counts the call among all has it among those of its step, too.
        if (record is not null)
        {
            record.Started = Time.GetTimestamp();
            record.Status = FutureStatus.Running;
        }
        Interlocked.Increment(ref running);
        Report(step, FutureStatus.Running);
    }

    /// <summary>Counts a call with a known outcome, before its dependents are told: an awaiter of the call finds it counted.</summary>
    /// <param name="hasRun">Whether it had started.</param>
    /// <param name="status">Its final state.</param>
    /// <param name="record">The record of the call.</param>
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

    /// <summary>Reports progress to the user.</summary>
    internal void Report(string step, FutureStatus status)
    {
        if (options.Progress is null) return;
        try
        {
            options.Progress.Report(new(step, status, Time.GetElapsedTime(began), Volatile.Read(ref called), Volatile.Read(ref running),
                Volatile.Read(ref succeeded),
                Volatile.Read(ref failed), Volatile.Read(ref cancelled)));
        }
        catch (Exception e)                          // no step's fault, and not awaited: the scope reports it
        {
            var failure = new Failure(nameof(StepScopeOptions.Progress), e, isCancellation: false);
            List<Failure>? tooMany = null;
            lock (sync)
            {
                if (isDisposed && options.OnUnobservedFailure is null) failure.Watch();      // of an abandoned call
                else tooMany = Keep(failure);
            }
            TellFailures(tooMany);
        }
    }
}
