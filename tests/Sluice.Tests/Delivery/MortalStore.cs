using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

internal enum Moment
{
    Before,
    Inside,
    After,
}

/// <summary>A store as a process sees it that dies at one of its calls: from there on none succeeds, and who waits is told. Some appends
/// are on their way for a while, and arrive also if it has died meanwhile.</summary>
internal sealed class MortalStore(IStreamStore inner, int dieAt, Moment moment) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private const int MostTurns = 1_000;
    private readonly TaskCompletionSource died = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int calls;

    public Task Died => died.Task;

    public int Calls => Volatile.Read(ref calls);

    public string? LastCall { get; private set; }

    /// <summary>Waits until what a consecutor over it is to do is done, which must succeed, or until the process has died with
    /// it.</summary>
    public async Task OutliveAsync(Consecutor<int> consecutor, Task work)
    {
        await Task.WhenAny(work, Died);
        if (Died.IsCompleted) await consecutor.AbandonAsync();
        try
        {
            await work;
        }
        catch (Exception) when (Died.IsCompleted)
        {
            // as anything does whose process has died
        }
        if (!Died.IsCompleted) await consecutor.DisposeAsync();
    }

    // Whoever has sent it cannot take it back.
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
        if (moment == Moment.Inside && running is not null) await running;        // it is done, but nobody learns of it
        throw new StreamStoreException("The process has died.");
    }
}
