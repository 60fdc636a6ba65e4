using System.Collections.Concurrent;

namespace Sluice.Dashboard.Tests;

/// <summary>A store that counts its calls, and that a test can stop: calls then wait until it goes on.</summary>
internal sealed class WatchedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private readonly ConcurrentDictionary<string, int> calls = new();
    private volatile TaskCompletionSource? held;

    public int Calls => calls.Values.Sum();

    /// <summary>Throws instead of calls; null while the store works.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Called before each call, with its name.</summary>
    public Action<string>? Before { get; set; }

    public int CallsOf(string name) => calls.GetValueOrDefault(name);

    public void Stop() => held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void GoOn()
    {
        TaskCompletionSource? waiting = held;
        held = null;
        waiting?.SetResult();
    }

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        calls.AddOrUpdate(name, 1, static (_, before) => before + 1);
        Before?.Invoke(name);
        if (held is { } waiting) await waiting.Task;
        if (Failure is { } failure) throw failure;
        return await call();
    }
}
