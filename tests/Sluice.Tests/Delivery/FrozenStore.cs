using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A store that can hang: its calls do not return, even if their tokens are cancelled. When it thaws, it carries the calls
/// out.</summary>
internal sealed class FrozenStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private readonly Lock sync = new();
    private TaskCompletionSource? thaw;
    private int calls;

    /// <summary>The call, counted from zero, from which the store hangs; never by default.</summary>
    public int FreezesAt { get; set; } = int.MaxValue;

    /// <summary>The name of the call from which the store hangs; null by default.</summary>
    public string? FreezesAtCall { get; set; }

    /// <summary>Released when a call hangs.</summary>
    public SemaphoreSlim Stuck { get; } = new(0);

    public int Calls => Volatile.Read(ref calls);

    public void Freeze()
    {
        lock (sync) thaw ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void Thaw()
    {
        TaskCompletionSource? before;
        lock (sync) (before, thaw) = (thaw, null);
        before?.SetResult();
    }

    public override ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
        => Inner.WaitForChangeAsync(stream, after, cancellation);

    public override ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
        CancellationToken cancellation = default)
        => Inner.WaitForEntriesAsync(stream, partitions, after, cancellation);

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        if (Interlocked.Increment(ref calls) > FreezesAt || name == FreezesAtCall) Freeze();
        Task? frozen;
        lock (sync) frozen = thaw?.Task;
        if (frozen is not null)
        {
            Stuck.Release();
            await frozen;
        }
        return await call();
    }
}
