using System.Globalization;

namespace Sluice;

/// <summary>Says so when a function was cancelled and still runs: nothing else shows why a service does not stop, or why nobody goes on with the run.</summary>
/// <remarks>Thread-safe. Nothing is said any more once <see cref="DisposeAsync"/> has ended.</remarks>
internal sealed class StopTimeoutWarning : IAsyncDisposable
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private readonly SupervisorCore core;
    private readonly string what;
    private readonly ITimer timer;
    private readonly CancellationTokenRegistration cancelled;
    private TimeSpan pause = First;
    private long since;

    /// <param name="core">Whom to tell, and by which clock.</param>
    /// <param name="what">The function, as people know it.</param>
    /// <param name="life">Ends when it is to stop.</param>
    public StopTimeoutWarning(SupervisorCore core, string what, CancellationToken life)
    {
        (this.core, this.what) = (core, what);
        timer = core.Options.Time.CreateTimer(static self => ((StopTimeoutWarning)self!).Tell(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        cancelled = life.UnsafeRegister(static self => ((StopTimeoutWarning)self!).Begin(), this);
    }

    public async ValueTask DisposeAsync()
    {
        await cancelled.DisposeAsync().ConfigureAwait(false);
        await timer.DisposeAsync().ConfigureAwait(false);
    }

    private void Begin()
    {
        since = core.Options.Time.GetTimestamp();
        timer.Change(pause, Timeout.InfiniteTimeSpan);
    }

    // By the timer alone, which is set again only here.
    private void Tell()
    {
        double seconds = core.Options.Time.GetElapsedTime(since).TotalSeconds;
        core.Warn(string.Create(CultureInfo.InvariantCulture,
            $"{what} was cancelled {seconds:0} s ago, and its function still runs: it does not heed its CancellationToken. Until it ends, this service cannot stop, nor hand it over. Pass the token on to whatever it waits for, or execute it in a child process, which can be ended (Executor.Processes)."));
        pause = pause * 2 < Longest ? pause * 2 : Longest;
        timer.Change(pause, Timeout.InfiniteTimeSpan);
    }
}
