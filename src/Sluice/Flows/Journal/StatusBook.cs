namespace Sluice;

/// <summary>Reads from a journal how far a run has come.</summary>
internal static class StatusBook
{
    public static FlowStatus Of(RunWatch watch, IReadOnlyList<FlowStreamStatus> streams)
    {
        IReadOnlyList<(DateTimeOffset Time, RunEvent Event)> events = watch.Events;
        ProcessorStatus[] processors = [.. watch.Plan.Processors.Select(processor => Of(processor.Name, watch.StartsOf(processor.Name), [.. events.Select(one => one.Event).Where(happened => happened.Processor == processor.Name)]))];
        // What no service has begun with, or has handed over, nobody will begin with any more.
        if (watch.IsCancelled) processors = [.. processors.Select(processor => processor.State == FlowState.Waiting ? processor with { State = FlowState.Cancelled } : processor)];
        bool hasEnded = Array.TrueForAll(processors, processor => processor.State > FlowState.Running);
        FlowState state = watch.IsCancelled ? FlowState.Cancelled
            : processors.Any(processor => processor.State == FlowState.Failed) ? FlowState.Failed
            : hasEnded ? FlowState.Completed
            : processors.All(processor => processor.State == FlowState.Waiting) ? FlowState.Waiting : FlowState.Running;
        return new(watch.Run, state, watch.Plan.Starter, events[0].Time, hasEnded ? events.Last(one => one.Event.IsEnd || (watch.IsCancelled && one.Event.Kind == RunEventKind.CancelRequested)).Time : null, processors, streams)
        {
            Drawing = FlowResolution.Of([.. watch.Plan.Processors.Select(plan => plan.ToProcessor())]).Topology,
        };
    }

    private static ProcessorStatus Of(string name, int starts, RunEvent[] events)
    {
        if (events.Length == 0) return new(name, FlowState.Waiting, null, 0, null, null);
        RunEvent? end = Array.Find(events, happened => happened.IsEnd);
        RunEvent last = end ?? Array.FindLast(events, happened => happened.Kind is RunEventKind.Started or RunEventKind.HandedOver or RunEventKind.Retrying)
            ?? events[^1];
        FlowState state = last.Kind switch
        {
            RunEventKind.Started => FlowState.Running,
            RunEventKind.Completed => FlowState.Completed,
            RunEventKind.Failed => FlowState.Failed,
            RunEventKind.Cancelled => FlowState.Cancelled,
            _ => FlowState.Waiting,
        };
        RunEvent? failed = Array.FindLast(events, happened => happened.Attempt > 0);
        return new(name, state, last.Member, starts, last.IsEnd ? last.Error : null, last.Origin)
        {
            FailedAttempts = last.Kind == RunEventKind.Completed ? 0 : failed?.Attempt ?? 0,
            LastFailure = failed?.Error,
        };
    }
}
