namespace Sluice.PostgreSql;

/// <summary>
/// The server's clock, as this process knows it: the last time that the server has told, and what has passed here since. Late by the time
/// that the answer took, never early. Thread-safe.
/// </summary>
internal sealed class ServerClock
{
    private volatile Sample? last;

    /// <summary>The server has just told its time, in microseconds since 1970.</summary>
    public void Note(long microseconds) => last = new(microseconds, TimeProvider.System.GetTimestamp());

    /// <summary>Microseconds since 1970; null if the server has told its time never, or too long ago.</summary>
    public long? Now => last is { } sample && TimeProvider.System.GetElapsedTime(sample.Taken) is var passed
        && passed <= KnownStreams.MaxAge ? sample.Microseconds + (long)passed.TotalMicroseconds : null;

    private sealed record Sample(long Microseconds, long Taken);
}
