using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

internal enum Moment
{
    Before,
    Inside,
    After,
}

/// <summary>The store as a process sees it that dies at one of its calls: every later call fails, and Died completes. Some appends are
/// delayed, and arrive even if the process has died meanwhile.</summary>
internal sealed class MortalStore(IStreamStore inner, int dieAt, Moment moment) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private const int MostTurns = 1_000;

    private readonly TaskCompletionSource died = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int calls;

    public Task Died => died.Task;

    public int Calls => Volatile.Read(ref calls);

    public string? LastCall { get; private set; }

    /// <summary>The moments at which a process dies at a call: some of them, see <see cref="CrashLab.Share"/>.</summary>
    public static IEnumerable<Moment> MomentsAt(int call) => Enum.GetValues<Moment>().Where(moment => IsPlayed(call, moment));

    /// <summary>Whether a process dies at this moment of a call, counted from 1.</summary>
    public static bool IsPlayed(int call, Moment moment) => ((3 * (call - 1)) + (int)moment) % CrashLab.Share == 0;

    /// <summary>Waits until the work of a consecutor over this store has succeeded, or until the process has died.</summary>
    public async Task OutliveAsync(Consecutor<int> consecutor, Task work)
    {
        await Task.WhenAny(work, Died);
        bool hasDied = Died.IsCompleted;
        if (hasDied) await consecutor.AbandonAsync();
        try
        {
            await work;
        }
        catch (Exception) when (Died.IsCompleted)
        {
            // expected: its process has died
        }
        if (hasDied) return;
        // It may also die after its work, at a call of its own.
        if (Died.IsCompleted) await consecutor.AbandonAsync();
        else await consecutor.DisposeAsync();
    }

    // An append that was sent cannot be cancelled.
    public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        => base.AppendAsync(request, CancellationToken.None);

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        if (died.Task.IsCompleted) throw new StreamStoreException("The process is dead.");
        if (name is nameof(WaitForChangeAsync) or nameof(WaitForEntriesAsync)) return await call();
        int number = Interlocked.Increment(ref calls);
        if (number != dieAt)
        {
            if (name == nameof(AppendAsync) && number % 3 == 0)
                for (int turns = number * 7_919 % MostTurns; turns > 0; turns--) await Task.Yield();
            T answer = await call();
            return died.Task.IsCompleted ? throw new StreamStoreException("The process is dead, and hears nothing.") : answer;
        }
        LastCall = name;
        Task<T>? running = moment == Moment.Before ? null : call().AsTask();
        if (moment == Moment.After && running is not null) await running;
        died.TrySetResult();
        if (moment == Moment.Inside && running is not null) await running;        // the call is carried out, but its answer is lost
        throw new StreamStoreException("The process has died.");
    }
}
