using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>Computes the state of a run from its journal.</summary>
internal static class StatusBook
{
    public static FlowRunInfo Of(RunWatch watch, IReadOnlyList<FlowStreamInfo> streams)
    {
        IReadOnlyList<(DateTimeOffset Time, RunEvent Event)> events = watch.Events;
        ProcessorInfo[] processors = ProcessorsOf(watch, events);
        bool hasEnded = Array.TrueForAll(processors, processor => processor.Status > FlowStatus.Running);
        FlowStatus state = watch.IsCancelled ? FlowStatus.Cancelled
            : processors.Any(processor => processor.Status == FlowStatus.Failed) ? FlowStatus.Failed
            : hasEnded ? FlowStatus.Completed
            : processors.All(processor => processor.Status == FlowStatus.Waiting) ? FlowStatus.Waiting : FlowStatus.Running;
        return new(watch.Run, state, watch.Plan.Starter, events[0].Time, hasEnded
            ? events.Last(one => one.Event.IsEnd || (watch.IsCancelled && one.Event.Kind == RunEventKind.CancelRequested)).Time : null,
            processors, streams)
        {
            CancelledAt = watch.IsCancelled ? events.First(static one => one.Event.Kind == RunEventKind.CancelRequested).Time : null,
            Drawing = FlowResolution.Of([.. watch.Plan.Processors.Select(plan => plan.ToProcessor())]).Topology,
        };
    }

    /// <summary>The processors of a run, in the order of its plan.</summary>
    public static ProcessorInfo[] ProcessorsOf(RunWatch watch) => ProcessorsOf(watch, watch.Events);

    private static ProcessorInfo[] ProcessorsOf(RunWatch watch, IReadOnlyList<(DateTimeOffset Time, RunEvent Event)> events)
    {
        ILookup<string?, RunEvent> byName = events.ToLookup(one => one.Event.Processor, one => one.Event);
        ProcessorInfo[] processors = [.. watch.Plan.Processors.Select(processor => Of(processor.Name, watch.StartsOf(processor.Name),
            [.. byName[processor.Name]]))];
        // No service begins these any more.
        return !watch.IsCancelled ? processors : [.. processors.Select(processor => processor.Status == FlowStatus.Waiting
            ? processor with { Status = FlowStatus.Cancelled } : processor)];
    }

    private static ProcessorInfo Of(string name, int starts, RunEvent[] events)
    {
        if (events.Length == 0) return new(name, FlowStatus.Waiting, null, 0, null, null);
        RunEvent? end = Array.Find(events, happened => happened.IsEnd);
        RunEvent last = end ?? Array.FindLast(events,
            happened => happened.Kind is RunEventKind.Started or RunEventKind.HandedOver or RunEventKind.Retrying)
            ?? events[^1];
        FlowStatus state = last.Kind switch
        {
            RunEventKind.Started => FlowStatus.Running,
            RunEventKind.Completed => FlowStatus.Completed,
            RunEventKind.Failed => FlowStatus.Failed,
            RunEventKind.Cancelled => FlowStatus.Cancelled,
            _ => FlowStatus.Waiting,
        };
        RunEvent? failed = Array.FindLast(events, happened => happened.Attempt > 0);
        return new(name, state, last.Member, starts, last.IsEnd ? last.Error : null, last.Origin)
        {
            FailedAttempts = last.Kind == RunEventKind.Completed ? 0 : failed?.Attempt ?? 0,
            LastFailure = failed?.Error,
        };
    }
}
