using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>
/// A store that a test's clock waits for: <see cref="PassAsync"/> moves the clock only while no call is under way. Without that, a slow
/// disk lets minutes of the clock pass within one call, and leases and heartbeats fall due that no real store would let fall due. Any
/// thread may call it.
/// </summary>
internal sealed class PacedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    // A third of the lease duration of the tests: by then a member must have sent a heartbeat, or others take it for silent.
    private static readonly TimeSpan BeatDue = TimeSpan.FromSeconds(10);

    private int calls;
    private int beats;

    /// <summary>Advances the clock second by second, or by five, until a condition holds, and not any more then; fails a minute after
    /// twenty thousand steps. A longer step would be most of a lease duration.</summary>
    public async Task PassAsync(TestClock clock, Func<bool> isReached, Func<string> describe, int seconds = 1)
    {
        (int known, TimeSpan sinceBeat) = (Volatile.Read(ref beats), TimeSpan.Zero);
        var rounds = new Rounds(20_000);
        while (!isReached())
        {
            Assert.True(await rounds.GoOnAsync(), $"It is still at it: {describe()}");
            for (int looks = 0; !isReached() && (looks < 50 || Volatile.Read(ref calls) > 0 || IsBeatMissing(looks)); looks++)
                if (looks < 50 || Volatile.Read(ref calls) == 0) await Member.NextAsync();
                else await Task.Delay(1);                              // a slow call: its server needs the processor
            if (isReached()) return;
            if (Volatile.Read(ref beats) is var now && now != known) (known, sinceBeat) = (now, TimeSpan.Zero);
            clock.Advance(TimeSpan.FromSeconds(seconds));
            sinceBeat += TimeSpan.FromSeconds(seconds);
        }

        // The threads of heartbeats may wait for a busy machine. A member that sends none has its reasons: the clock goes on without it.
        bool IsBeatMissing(int looks) => looks < 20_000 && sinceBeat >= BeatDue && Volatile.Read(ref beats) == known;
    }

    protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (name.StartsWith("WaitFor", StringComparison.Ordinal)) return await call();
        Interlocked.Increment(ref calls);
        try
        {
            T result = await call();
            if (name == nameof(HeartbeatAsync)) Interlocked.Increment(ref beats);
            return result;
        }
        finally
        {
            Interlocked.Decrement(ref calls);
        }
    }
}
