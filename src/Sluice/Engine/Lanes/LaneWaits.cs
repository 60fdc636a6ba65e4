namespace Sluice.Engine;

/// <summary>The time in which the lanes of a stage could get items. It stands still while the router waits in front of one lane, because
/// the items of all other lanes wait behind that item.</summary>
/// <remarks>Thread-safe. The router begins and ends its waits, one at a time; the lanes read the time. Ticks that come during a wait are
/// held until it ends, so that no timer fires again and again. The list is under <c>sync</c>.</remarks>
internal sealed class LaneWaits(PipelineRun run, bool haveRings)
{
    private readonly Lock sync = new();
    private readonly long start = run.Time.GetTimestamp();
    private readonly List<IDue> held = [];
    // One field, so that a lane reads it whole: the ticks waited so far; during a wait, the complement of the open time.
    private long state;

    /// <summary>Whether a ring stands in front of each lane. A push that completes at once is then short.</summary>
    public bool HaveRings => haveRings;

    /// <summary>The time since the lanes were made, without the waits of the router.</summary>
    public TimeSpan OpenTime
    {
        get
        {
            while (true)
            {
                long seen = Volatile.Read(ref state);
                if (seen < 0) return new(~seen);
                long now = Now;
                if (Volatile.Read(ref state) == seen) return new(now - seen);
            }
        }
    }

    /// <summary>The router begins to wait.</summary>
    public void Begin() => Volatile.Write(ref state, ~(Now - state));

    /// <summary>The router goes on.</summary>
    public void End()
    {
        IDue[] acting;
        lock (sync)
        {
            Volatile.Write(ref state, Now - ~state);
            if (held.Count == 0) return;
            acting = [.. held];
            held.Clear();
        }
        foreach (IDue instance in acting) instance.Act(null);
    }

    /// <summary>Holds a tick of an instance until the router goes on.</summary>
    /// <returns>False if the router does not wait.</returns>
    public bool TryHold(IDue instance)
    {
        lock (sync)
        {
            if (Volatile.Read(ref state) >= 0) return false;
            held.Add(instance);
            return true;
        }
    }

    private long Now => run.Time.GetElapsedTime(start).Ticks;
}
