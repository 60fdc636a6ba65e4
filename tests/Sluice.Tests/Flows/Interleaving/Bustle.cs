namespace Sluice.Tests.Flows;

/// <summary>
/// Knows whether anything moves in a test that runs on the thread pool: what is begun inside of it, and whatever comes of that, counts
/// while a thread is at it. Hearts, which have a thread of their own, are told of.
/// </summary>
/// <remarks>Thread-safe. What is queued and not begun is not counted: who wants to know looks again behind what was queued
/// before.</remarks>
internal sealed class Bustle
{
    private const int CalmRounds = 4;
    private const int MostRounds = 1_000_000;
    private const int MostStuck = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);          // in real time: decides nothing but whether it hangs
    private static readonly AsyncLocal<Bustle?> Current = new(Switch);

    private readonly List<HeartClock> clocks = [];
    private int atWork;                              // threads, and hearts
    private long moves;
    private TaskCompletionSource? waiting;
    private int stuck;                               // rounds of patience with nothing that could be given up, one behind the other

    /// <summary>Begins something inside.</summary>
    public async Task InsideAsync(Func<Task> work)
    {
        Current.Value = this;
        await work();
    }

    /// <summary>Before anything begins that uses it.</summary>
    public void Add(HeartClock clock) => clocks.Add(clock);

    /// <summary>A thread of its own is about to do something.</summary>
    public void Enter()
    {
        Interlocked.Increment(ref atWork);
        Interlocked.Increment(ref moves);
    }

    /// <summary>It rests.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref atWork) == 0) Interlocked.Exchange(ref waiting, null)?.SetResult();
    }

    /// <summary>Ends when nothing moves. Whether it does is asked again and again, by turns of the thread pool.</summary>
    public async Task SettleAsync()
    {
        int rounds = 0;
        for (int calm = 0; calm < CalmRounds; calm++)
        {
            await RestAsync();
            long seen = Volatile.Read(ref moves);
            await Task.Yield();
            if (Volatile.Read(ref atWork) == 0 && Volatile.Read(ref moves) == seen) continue;
            calm = -1;
            if (++rounds == MostRounds) throw new InvalidOperationException($"It does not come to rest: {atWork} are at work.");
        }
    }

    private async Task RestAsync()
    {
        if (Volatile.Read(ref atWork) == 0) return;
        var calm = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref waiting, calm);
        if (Volatile.Read(ref atWork) == 0) return;  // whoever has left last has not seen it
        try
        {
            await calm.Task.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            // A thread of a busy machine may not have had its turn for seconds: a hang is one that lasts for a minute.
            if (clocks.Exists(clock => clock.GiveUp())) stuck = 0;
            else if (++stuck == MostStuck) throw new InvalidOperationException($"It does not come to rest: {atWork} are at work.");
        }
    }

    private static void Switch(AsyncLocalValueChangedArgs<Bustle?> change)
    {
        change.PreviousValue?.Leave();
        change.CurrentValue?.Enter();
    }
}
