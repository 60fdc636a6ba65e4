using Sluice.Testing;

namespace Sluice.Tests.Deliveries;

internal enum Moment
{
    Before,
    Inside,
    After,
}

/// <summary>A store as a process sees it that dies at one of its calls: from there on none succeeds, and who waits is told.</summary>
internal sealed class MortalStore(IStreamStore inner, int dieAt, Moment moment) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private readonly TaskCompletionSource died = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int calls;

    public Task Died => died.Task;

    public int Calls => Volatile.Read(ref calls);

    public string? LastCall { get; private set; }

    /// <summary>Waits until what a consecutor over it is to do is done, which must succeed, or until the process has died with it.</summary>
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

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        if (died.Task.IsCompleted) throw new StreamStoreException("The process is dead.");
        if (name == nameof(WaitForChangeAsync)) return await call();
        if (Interlocked.Increment(ref calls) != dieAt)
        {
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
