namespace Sluice.Scheduling;

/// <summary>A fair lock for parts of a run: one push or timer tick at a time, in the order of arrival.</summary>
/// <remarks>Thread-safe. A waiting caller resumes on the run's scheduler, so that seeded runs stay repeatable.</remarks>
internal sealed class Gate(RunScheduler scheduler)
{
    private readonly Lock sync = new();
    private readonly Queue<Waiter> waiting = new();
    private bool held;

    /// <summary>How long the holders have waited for what follows them. Used by the holder.</summary>
    public TimeSpan Waited { get; set; }

    public ValueTask EnterAsync()
    {
        lock (sync)
        {
            if (!held)
            {
                held = true;
                return default;
            }
            var waiter = new Waiter(scheduler);
            waiter.Arm();
            waiting.Enqueue(waiter);
            return waiter.WaitAsync();
        }
    }

    public void Exit()
    {
        Waiter? next;
        lock (sync)
        {
            if (!waiting.TryDequeue(out next)) held = false;
        }
        next?.Wake();
    }
}
