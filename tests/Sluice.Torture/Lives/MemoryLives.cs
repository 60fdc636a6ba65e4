using Sluice.Storage;

namespace Sluice.Torture;

/// <summary>Lives in this process, around a store in memory: who is killed gets nothing from the store any more, and says
/// nothing.</summary>
internal sealed class MemoryLives(Case @case, string directory, Breakage breakage, TimeSpan limit) : ILives
{
    private readonly MemoryStreamStore store = new();

    public string Directory => directory;

    public async Task<LifeEnd> RunAsync(int number, LifePlan plan, (long First, int Count) numbers)
    {
        using var journal = new Journal(directory, number);
        using var ended = new CancellationTokenSource();
        using var watch = new StandstillWatch(Journal.PathOf(directory, number), limit);
        var died = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        MortalStore? mortal = null;
        IStreamStore mine = breakage == Breakage.None ? store : new BrokenStore(store, breakage, new Dice(plan.Seed));
        mortal = new MortalStore(mine, plan, null, Die);
        var life = new Life(@case, plan, mortal, journal, directory) { Begun = Begun, Explode = () => Die("a bomb") };
        Task running = Task.Run(() => life.RunAsync(numbers, ended.Token));
        await Task.WhenAny(running, died.Task, Task.Delay(Timeout.InfiniteTimeSpan, watch.Token));
        if (died.Task.IsCompleted)
        {
            // What is left of it has nothing to do any more, and must find that out.
            await ended.CancelAsync();
            await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(20)));
            if (!running.IsCompleted) throw new TortureException($"life {number} does not end over a store that has failed for good");
            _ = running.Exception;
            return LifeEnd.Killed;
        }
        if (!running.IsCompleted)
        {
            Die("hangs");
            await ended.CancelAsync();
            throw new TortureException(
                $"life {number} ({plan}) has done nothing for {limit}, or has not come to its end in {StandstillWatch.LongestLife}");
        }
        await running;
        return LifeEnd.Clean;

        void Die(string where)
        {
            journal.Write($"dies {where}");
            died.TrySetResult();                     // first: what it does over a dead store is no end of its own
            mortal!.Kill();
            journal.Dispose();                       // last: nothing reaches the store that is not in the journal
        }

        void Begun()
        {
            if (plan.Ending != Ending.Idle)
                _ = Task.Delay(plan.Delay, ended.Token).ContinueWith(_ => Die("in time"), ended.Token,
                    TaskContinuationOptions.NotOnCanceled, TaskScheduler.Default);
        }
    }

    public Task<IStreamStore> OpenStoreAsync() => Task.FromResult<IStreamStore>(store);

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
