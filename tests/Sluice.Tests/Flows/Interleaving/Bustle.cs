namespace Sluice.Tests.Flows;

/// <summary>
/// Knows whether anything moves in a test that runs on the thread pool: what is begun inside of it, and whatever comes of that, counts while a thread is at it. Threads of their own (hearts) are told of.
/// </summary>
/// <remarks>Thread-safe. What is queued and not begun is not counted: who wants to know looks again behind what was queued before.</remarks>
internal sealed class Bustle
{
    private const int CalmRounds = 4;
    private const int MostRounds = 5_000_000;
    private static readonly AsyncLocal<Bustle?> Current = new(Switch);

    private readonly List<HeartClock> clocks = [];
    private int threads;
    private int hearts;
    private long moves;

    /// <summary>Begins something inside.</summary>
    public async Task InsideAsync(Func<Task> work)
    {
        Current.Value = this;
        await work();
    }

    /// <summary>Before anything begins that uses it.</summary>
    public void Add(HeartClock clock) => clocks.Add(clock);

    /// <summary>A thread of its own is about to do something, or no longer.</summary>
    public void CountHeart(int by)
    {
        Interlocked.Add(ref hearts, by);
        Interlocked.Increment(ref moves);
    }

    /// <summary>Ends when nothing moves. Whether it does is asked again and again, by turns of the thread pool.</summary>
    public async Task SettleAsync()
    {
        long seen = Volatile.Read(ref moves);
        int rounds = 0;
        for (int calm = 0; calm < CalmRounds; calm++)
        {
            await Task.Yield();
            if (++rounds == MostRounds) throw new InvalidOperationException($"It does not come to rest: {threads} threads are at work, {hearts} hearts are about to be.");
            if (Volatile.Read(ref threads) > 0 || Volatile.Read(ref hearts) > 0 || Volatile.Read(ref moves) != seen || clocks.Exists(clock => clock.IsStirring))
            {
                calm = -1;
                Thread.Yield();                      // hearts want a processor, too
            }
            seen = Volatile.Read(ref moves);
        }
    }

    private static void Switch(AsyncLocalValueChangedArgs<Bustle?> change)
    {
        if (change.PreviousValue is { } left) Interlocked.Decrement(ref left.threads);
        if (change.CurrentValue is not { } entered) return;
        Interlocked.Increment(ref entered.threads);
        Interlocked.Increment(ref entered.moves);
    }
}
