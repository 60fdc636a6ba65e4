using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Load;

/// <summary>
/// A test clock that tells when a viewer waits for its next drawing: that is the only timer which is due after the interval. The number of
/// armed timers does not tell it, because the limit of a look or of a page may still be there for a moment.
/// </summary>
/// <remarks>Thread-safe. One thread moves the clock.</remarks>
internal sealed class ViewerClock(TestClock clock, TimeSpan interval) : WatchedClock(clock), IDisposable
{
    private readonly SemaphoreSlim waits = new(0);

    /// <summary>Moves the clock by the interval, once that many viewers wait for their next drawing.</summary>
    public async Task AdvanceAsync(int viewers, CancellationToken cancellation)
    {
        for (int viewer = 0; viewer < viewers; viewer++) await waits.WaitAsync(cancellation);
        Clock.Advance(interval);
    }

    public void Dispose() => waits.Dispose();

    protected override void OnCreated(TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime == interval) waits.Release();
    }
}
