using System.Text.Json;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>The values that were read from an output, and the failure that ended the reading.</summary>
internal sealed record Reading(List<string> Values, FlowException? Failure)
{
    public static async Task<Reading> OfAsync(IO<string> stream)
    {
        List<string> values = [];
        try
        {
            await foreach (string value in stream.StreamAsync()) values.Add(value);
            return new(values, null);
        }
        catch (FlowException e)
        {
            return new(values, e);
        }
    }
}

/// <summary>Checks that a run has ended as its journal says.</summary>
internal sealed class InterleavingOracle
{
    private readonly InterleavedFlow flow;
    private readonly FlowRunInfo status;
    private readonly List<RunEvent> journal;
    private readonly FlowStatus expected;

    public InterleavingOracle(InterleavedFlow flow, FlowRunInfo status, List<RunEvent> journal)
    {
        (this.flow, this.status, this.journal) = (flow, status, journal);
        int cancelled = journal.FindIndex(happened => happened.Kind == RunEventKind.CancelRequested);
        expected = cancelled >= 0 && cancelled < journal.FindLastIndex(happened => happened.IsEnd) ? FlowStatus.Cancelled
            : flow.Failing is null ? FlowStatus.Completed : FlowStatus.Failed;
    }

    public static async Task<List<RunEvent>> ReadJournalAsync(IStreamStore store, string run, CancellationToken cancellation)
    {
        List<RunEvent> events = [];
        for (long next = 1; ;)
        {
            ReadResult result = await store.ReadAsync(new(FlowNames.Journal(run), 0, next), cancellation);
            if (result.Entries.IsEmpty) return events;
            foreach (Entry entry in result.Entries.ToArray())
                events.Add(JsonSerializer.Deserialize(entry.Payload.Span, RunJson.Default.RunEvent)!);
            next = result.Next;
        }
    }

    /// <summary>Each processor has ended once, as expected, and the status agrees.</summary>
    public void CheckEnds()
    {
        foreach (Processor processor in flow.Flow.Processors)
        {
            RunEvent[] ends = [.. journal.Where(happened => happened.IsEnd && happened.Processor == processor.Name)];
            if (ends is not [{ } end]) throw Wrong($"{processor.Name} has {ends.Length} ends");
            if (expected == FlowStatus.Completed && end.Kind != RunEventKind.Completed)
                throw Wrong($"{processor.Name} has {end.Kind}: {end.Error}");
            if (end.Kind == RunEventKind.Cancelled && expected != FlowStatus.Cancelled)
                throw Wrong($"{processor.Name} was cancelled, the run was not");
            if (end.Kind == RunEventKind.Failed && (end.Origin != flow.Failing
                || !end.Error!.EndsWith(" is bad", StringComparison.Ordinal)))
                throw Wrong($"{processor.Name} has failed: {end.Error} (origin {end.Origin})");
            if (end.Kind == RunEventKind.Completed && expected == FlowStatus.Failed && processor.Name != flow.Zipping
                && DependsOnFailing(processor)) throw Wrong($"{processor.Name} has completed, but {flow.Failing} has failed");
        }
        if (status.Status != expected) throw Wrong($"the run is {status.Status}, not {expected}");
    }

    public async Task CheckCompletionAsync(Task completion)
    {
        try
        {
            await completion;
            if (expected != FlowStatus.Completed) throw Wrong($"the run is {expected}, but its completion does not say so");
        }
        catch (FlowException e)
        {
            if (e.IsCancelled != (expected == FlowStatus.Cancelled) || (expected == FlowStatus.Failed && e.Processor != flow.Failing)
                || expected == FlowStatus.Completed)
                throw Wrong($"the run is {expected}, but its completion says: {e.Message}");
        }
    }

    /// <summary>The values that were read are a prefix of the expected ones; all of them, if the stream is complete.</summary>
    public void CheckValues(string output, Reading reading)
    {
        bool mayBeCut = reading.Failure is not null;
        if (mayBeCut && expected == FlowStatus.Completed) throw Wrong($"{output} has failed: {reading.Failure!.Message}");
        if (reading.Failure is { IsCancelled: true } && expected != FlowStatus.Cancelled)
            throw Wrong($"{output} was cancelled, the run was not");
        int known = 0;
        foreach (var (begin, values) in flow.Expected[output])
        {
            List<string> read = reading.Values.FindAll(value => value.StartsWith(begin, StringComparison.Ordinal));
            known += read.Count;
            if (!read.SequenceEqual(values.Take(read.Count)) || (!mayBeCut && read.Count < values.Count))
                throw Wrong(
                    $"{output} has {string.Join(' ', reading.Values)}{(mayBeCut ? " and fails" : "")}, not {string.Join(' ', values)}");
        }
        if (known != reading.Values.Count) throw Wrong($"{output} has {string.Join(' ', reading.Values)}");
    }

    private bool DependsOnFailing(Processor processor)
        => processor.Name == flow.Failing || flow.Flow.Processors.Any(writer => writer.Outputs.Intersect(processor.Inputs).Any()
        && DependsOnFailing(writer));

    private InvalidOperationException Wrong(string what)
        => new($"{what}. The journal: {string.Join(", ", journal.Select(happened =>
        $"{happened.Kind} {happened.Processor}@{happened.Member}"))}.");
}
