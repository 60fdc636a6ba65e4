using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>Collects the periods of the processors of a run from the events of its journal.</summary>
/// <remarks>Not thread-safe. The last periods of a processor are kept: a processor may be tried any number of times.</remarks>
internal sealed class RunTimeline
{
    public const int MaxPeriods = 50;

    private readonly Dictionary<string, Life> lives = new(StringComparer.Ordinal);

    /// <summary>The periods of a processor, oldest first.</summary>
    public IReadOnlyList<ProcessorPeriod> Of(string processor) => lives.TryGetValue(processor, out Life? life) ? [.. life.Periods] : [];

    /// <summary>Adds an event; call it for each event in order.</summary>
    public void Add(DateTimeOffset time, RunEvent happened)
    {
        if (happened.Plan is { } plan)
            foreach (ProcessorPlan one in plan.Processors) lives.TryAdd(one.Name, new(time));
        // A cancelled run starts no processor any more; those that run end by themselves.
        if (happened.Kind == RunEventKind.CancelRequested)
            foreach (Life one in lives.Values) one.CancelWaiting(time);
        if (happened.Processor is { } name && lives.TryGetValue(name, out Life? life)) life.Add(time, happened);
    }

    private sealed class Life(DateTimeOffset begun)
    {
        private int starts;
        private bool hasEnded;

        public LinkedList<ProcessorPeriod> Periods { get; } = new([new(ProcessorPeriodKind.Waiting, begun, null, null, 0, null)]);

        private ProcessorPeriod Now => Periods.Last!.Value;

        public void Add(DateTimeOffset time, RunEvent happened)
        {
            if (hasEnded) return;
            switch (happened.Kind)
            {
                case RunEventKind.Started:
                    Close(time, Now.Kind == ProcessorPeriodKind.Waiting ? null : $"{Now.Host} has not told how it ended");
                    Open(new(ProcessorPeriodKind.Running, time, null, happened.Member, ++starts, null));
                    break;
                case RunEventKind.HandedOver:
                    Wait(time, "handed over");
                    break;
                case RunEventKind.Retrying:
                    Wait(time, $"attempt {happened.Attempt} failed: {happened.Error}");
                    break;
                case RunEventKind.Stuck when Now.Kind == ProcessorPeriodKind.Running:
                    Change(time, ProcessorPeriodKind.Blocked, $"waits for room in {happened.Stream}");
                    break;
                case RunEventKind.Moving when Now.Kind == ProcessorPeriodKind.Blocked:
                    Change(time, ProcessorPeriodKind.Running, null);
                    break;
                case RunEventKind.Completed or RunEventKind.Failed or RunEventKind.Cancelled:
                    End(time, happened.Kind.ToString().ToLowerInvariant() + (happened.Error is { } why ? $": {why}" : ""));
                    break;
                default:
                    break;                           // about a wait that is over, or of a newer version
            }
        }

        public void CancelWaiting(DateTimeOffset time)
        {
            if (!hasEnded && Now.Kind == ProcessorPeriodKind.Waiting) End(time, "cancelled");
        }

        private void End(DateTimeOffset time, string how)
        {
            Close(time, how);
            hasEnded = true;
        }

        private void Wait(DateTimeOffset time, string how)
        {
            Close(time, how);
            Open(new(ProcessorPeriodKind.Waiting, time, null, null, 0, null));
        }

        // The start goes on.
        private void Change(DateTimeOffset time, ProcessorPeriodKind kind, string? note)
        {
            ProcessorPeriod before = Now;
            Close(time, before.Note);
            Open(before with { Kind = kind, From = time, To = null, Note = note });
        }

        private void Close(DateTimeOffset time, string? note) => Periods.Last!.Value = Now with { To = time, Note = note ?? Now.Note };

        private void Open(ProcessorPeriod period)
        {
            Periods.AddLast(period);
            if (Periods.Count > MaxPeriods) Periods.RemoveFirst();
        }
    }
}
