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

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        if (died.Task.IsCompleted) throw new StreamStoreException("The process is dead.");
        if (name == nameof(WaitForChangeAsync)) return await call();
        if (Interlocked.Increment(ref calls) != dieAt) return await call();
        LastCall = name;
        Task<T>? running = moment == Moment.Before ? null : call().AsTask();
        if (moment == Moment.After && running is not null) await running;
        died.TrySetResult();
        if (moment == Moment.Inside && running is not null) await running;        // it is done, but nobody learns of it
        throw new StreamStoreException("The process has died.");
    }
}
