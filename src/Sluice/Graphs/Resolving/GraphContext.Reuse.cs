using Sluice.Diagnostics;

namespace Sluice.Graphs;

// How a context begins, the first time and again. Locking rule: the thread that begins a resolve, or has taken its value, has it alone.
public abstract partial class GraphContext
{
    /// <summary>Prepares for a resolve: in the constructor, and before a cleared context is used again.</summary>
    private protected void Begin(CancellationToken caller)
    {
        this.caller = caller;
        if (Plan.Watchers.TryCount()) traits |= Traits.IsCounted;
        bool recordsTimings = Plan.Options.RecordTimings || Plan.Watchers.WantTimings();
        if (OnceTelemetry.IsTraced) traits |= Traits.IsWatched;
        if (!recordsTimings) return;
        traits |= Traits.RecordsTimings | Traits.IsWatched;
        details = new(Plan.Nodes.Length) { Began = Plan.Time.GetTimestamp() };
        details.Running = Plan.Watchers.NoteBegin(this);
    }

    /// <summary>Clears a context whose resolve has ended, so that another resolve can use it.</summary>
    /// <returns>False if code outside may still know it; then it is not cleared.</returns>
    private protected bool TryClear()
    {
        if (traits != Traits.None || isStopping || details is { IsLetGo: false }) return false;
        Array.Clear(slots);
        (details, caller) = (null, default);
        isOver = isSuspended = isComplete = false;
        return true;
    }

    /// <summary>One byte instead of three: every resolve has them.</summary>
    [Flags]
    private enum Traits : byte
    {
        None = 0,
        IsCounted = 1,
        RecordsTimings = 2,
        IsWatched = 4,
    }
}
