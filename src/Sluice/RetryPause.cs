namespace Sluice;

/// <summary>
/// Pauses before repetitions. Half of a pause is left to chance, so that callers that failed at the same moment do not return at the same
/// moment. The mean is the given pause.
/// </summary>
internal static class RetryPause
{
    /// <summary>Waits before a repetition.</summary>
    public static Task WaitAsync(TimeSpan pause, TimeProvider time, CancellationToken cancellation)
        => Task.Delay(Vary(pause, time), time, cancellation);

    /// <summary>
    /// Returns between half of a pause and one and a half. With another clock than the system's the pause stays as it is: time is virtual,
    /// and a run must be repeatable.
    /// </summary>
    public static TimeSpan Vary(TimeSpan pause, TimeProvider time) => time == TimeProvider.System ? Vary(pause, Random.Shared) : pause;

    internal static TimeSpan Vary(TimeSpan pause, Random random) => pause * (0.5 + random.NextDouble());
}
