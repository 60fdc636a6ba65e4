using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>
/// A store that a test's clock waits for: <see cref="PassAsync"/> moves the clock only while no call is under way. Without that, a slow disk
/// lets minutes of the clock pass within one call, and leases and heartbeats fall due that no real store would let fall due. Any thread may
/// call it.
/// </summary>
internal sealed class PacedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private int calls;

    /// <summary>Moves the clock on by a step at a time, a second unless told, until something is reached; fails after two thousand
    /// steps.</summary>
    public async Task PassAsync(TestClock clock, Func<bool> isReached, Func<string> describe, TimeSpan? step = null)
    {
        for (int steps = 0; !isReached(); steps++)
        {
            Assert.True(steps < 2_000, $"It is still at it: {describe()}");
            for (int looks = 0; !isReached() && (looks < 50 || Volatile.Read(ref calls) > 0); looks++) await Member.NextAsync();
            clock.Advance(step ?? TimeSpan.FromSeconds(1));
        }
    }

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (name.StartsWith("WaitFor", StringComparison.Ordinal)) return await call();
        Interlocked.Increment(ref calls);
        try
        {
            return await call();
        }
        finally
        {
            Interlocked.Decrement(ref calls);
        }
    }
}
