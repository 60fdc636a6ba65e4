namespace Sluice;

/// <summary>Lets one party at a time into a part of a run, in the order they came: a push, or the tick of a timer.</summary>
/// <remarks>Thread-safe. Whoever waits goes on through the run's scheduler, so that seeded runs stay repeatable.</remarks>
internal sealed class Gate(RunScheduler scheduler)
{
    private readonly Lock sync = new();
    private readonly Queue<Waiter> waiting = new();
    private bool held;

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
