using System.Collections.Concurrent;

namespace Sluice.Testing;

/// <summary>The calls of a scenario to its fixture and its stores, for the message of one that stands still. Any thread.</summary>
internal sealed class CallLog
{
    private readonly ConcurrentDictionary<long, string> running = new();
    private long count, changes;

    /// <summary>Grows whenever a call begins or ends.</summary>
    public long Changes => Volatile.Read(ref changes);

    /// <summary>The calls that have not ended, the oldest first.</summary>
    public IEnumerable<string> Running => running.OrderBy(static call => call.Key).Select(static call => call.Value);

    public async ValueTask<T> RecordAsync<T>(string name, Func<ValueTask<T>> call)
    {
        long number = Interlocked.Increment(ref count);
        running[number] = name;
        Interlocked.Increment(ref changes);
        try
        {
            return await call();
        }
        finally
        {
            running.TryRemove(number, out _);
            Interlocked.Increment(ref changes);
        }
    }
}

/// <summary>Records the calls to a store.</summary>
internal sealed class CallRecorder(IStreamStore inner, CallLog calls) : StreamStoreWrapper(inner)
{
    protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call) => calls.RecordAsync(name, call);
}
