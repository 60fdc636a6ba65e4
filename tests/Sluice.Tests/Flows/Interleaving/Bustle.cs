using System.Diagnostics;

namespace Sluice.Tests.Flows;

/// <summary>
/// Knows whether anything runs in a test that uses the thread pool. Code that is begun by <see cref="InsideAsync"/>, and everything that
/// follows from it, counts while a thread executes it. Heartbeat timers have a thread of their own: they report by
/// <see cref="Enter"/> and <see cref="Leave"/>.
/// </summary>
/// <remarks>Thread-safe. Queued work that has not begun is not counted: <see cref="SettleAsync"/> looks again after work that was
/// queued before. On a busy machine that may be too soon: <see cref="SettleWhollyAsync"/> is certain, and slower.</remarks>
internal sealed class Bustle
{
    private const int CalmRounds = 4;
    private const int MostRounds = 1_000_000;
    private const int MostStuck = 12;
    private const int MostLooks = 10_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);          // in real time: decides only whether the test hangs
    private static readonly AsyncLocal<Bustle?> Current = new(Switch);

    private readonly List<HeartClock> clocks = [];
    private int atWork;                              // threads, and heartbeat timers
    private long moves;
    private TaskCompletionSource? waiting;
    private int stuck;                               // consecutive timeouts without a heartbeat timer to give up

    /// <summary>Begins work that counts.</summary>
    public async Task InsideAsync(Func<Task> work)
    {
        Current.Value = this;
        await work();
    }

    /// <summary>The calling code, and everything that follows from it, counts: a function of a processor, which begins in a context of its
    /// own.</summary>
    public void Mark() => Current.Value = this;

    /// <summary>Adds a clock; called before any code uses the clock.</summary>
    public void Add(HeartClock clock) => clocks.Add(clock);

    /// <summary>A thread that is not of the pool is about to work.</summary>
    public void Enter()
    {
        Interlocked.Increment(ref atWork);
        Interlocked.Increment(ref moves);
    }

    /// <summary>The thread rests again.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref atWork) == 0) Interlocked.Exchange(ref waiting, null)?.SetResult();
    }

    /// <summary>Ends when nothing runs any more. It checks that several times, one thread pool turn apart.</summary>
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

    /// <summary>
    /// Ends when nothing is queued, and no other thread of the process is ready to run. A thread may have taken queued work and wait for a
    /// processor before it begins the work: only the system knows of it. For tests that run alone in their process.
    /// </summary>
    public async Task SettleWhollyAsync()
    {
        for (int look = 0; look < MostLooks; look++)
        {
            await SettleAsync();
            if (ThreadPool.PendingWorkItemCount == 0 && !OthersRun()) return;
        }
    }

    private static bool OthersRun()
    {
        using var self = Process.GetCurrentProcess();
        int ready = 0;
        foreach (ProcessThread thread in self.Threads)
            using (thread)
                if (thread.ThreadState != System.Diagnostics.ThreadState.Wait) ready++;
        return ready > 1;                            // one is this thread
    }

    private async Task RestAsync()
    {
        if (Volatile.Read(ref atWork) == 0) return;
        var calm = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref waiting, calm);
        if (Volatile.Read(ref atWork) == 0) return;  // the last one to leave has not seen the task
        try
        {
            await calm.Task.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            // On a busy machine a thread may not run for seconds: only a wait of a minute is a hang.
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
