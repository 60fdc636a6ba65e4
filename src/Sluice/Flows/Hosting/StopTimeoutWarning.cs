using Sluice.Policies;

namespace Sluice.Flows;

/// <summary>
/// Warns if a cancelled function still runs, or waits for a commit; otherwise nothing shows why a service does not stop, or why no other
/// continues the run.
/// </summary>
/// <remarks>Thread-safe. No warning comes after <see cref="DisposeAsync"/> has ended.</remarks>
internal sealed class StopTimeoutWarning : IAsyncDisposable
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);
    private static readonly TimeSpan MaxAnswer = TimeSpan.FromSeconds(1);        // of a store that answers

    private readonly SupervisorCore core;
    private readonly string what;
    private readonly Func<TimeSpan> silence;
    private readonly ITimer timer;
    private readonly CancellationTokenRegistration cancelled;
    private TimeSpan pause = First;
    private long since;

    /// <param name="core">The receiver of warnings, and the clock.</param>
    /// <param name="what">The function, as people know it.</param>
    /// <param name="silence">How long the store has not answered a commit. The function may wait for it: it cannot be cancelled.</param>
    /// <param name="life">Cancelled when the function is to stop.</param>
    public StopTimeoutWarning(SupervisorCore core, string what, Func<TimeSpan> silence, CancellationToken life)
    {
        (this.core, this.what, this.silence) = (core, what, silence);
        timer = core.Options.Time.CreateTimer(static self => ((StopTimeoutWarning)self!).Tell(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
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

    // Called by the timer only, which is set again only here.
    private void Tell()
    {
        double seconds = core.Options.Time.GetElapsedTime(since).TotalSeconds;
        var unanswered = TimeSpan.FromSeconds(Math.Round(silence().TotalSeconds));
        string why = unanswered > MaxAnswer
            ? $"it has not ended: the store has not answered a commit for {DurationText.Of(unanswered)}. Until the store answers, this "
                + "service cannot hand it over."
            : "its function still runs: it does not heed its CancellationToken. Until it ends, this service cannot stop, nor hand it over. "
                + "Pass the token on to whatever it waits for, or execute it in a child process, which can be ended (Executor.Processes).";
        core.Warn(string.Create(CultureInfo.InvariantCulture, $"{what} was cancelled {seconds:0} s ago, and {why}"));
        pause = pause * 2 < Longest ? pause * 2 : Longest;
        timer.Change(pause, Timeout.InfiniteTimeSpan);
    }
}
