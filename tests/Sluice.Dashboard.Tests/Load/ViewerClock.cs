using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Load;

/// <summary>
/// A test clock that tells when a viewer waits for its next drawing: that is the only timer which is due after the interval. The number of
/// armed timers does not tell it, because the limit of a look or of a page may still be there for a moment.
/// </summary>
/// <remarks>Thread-safe. One thread moves the clock.</remarks>
internal sealed class ViewerClock(TestClock clock, TimeSpan interval) : TimeProvider, IDisposable
{
    private readonly SemaphoreSlim waits = new(0);

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override long GetTimestamp() => clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = clock.CreateTimer(callback, state, dueTime, period);
        if (dueTime == interval) waits.Release();
        return timer;
    }

    /// <summary>Moves the clock by the interval, once that many viewers wait for their next drawing.</summary>
    public async Task AdvanceAsync(int viewers, CancellationToken cancellation)
    {
        for (int viewer = 0; viewer < viewers; viewer++) await waits.WaitAsync(cancellation);
        clock.Advance(interval);
    }

    public void Dispose() => waits.Dispose();
}
