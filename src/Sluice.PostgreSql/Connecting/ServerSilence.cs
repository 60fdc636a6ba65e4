using Sluice.Diagnostics;

namespace Sluice.PostgreSql;

/// <summary>
/// Warns once when the server does not serve calls for a while, and once when it serves them again
/// (<see cref="PostgresStoreOptions.OnWarning"/>).
/// </summary>
/// <remarks>
/// Thread-safe. Locking rule: <c>sync</c> protects the outage; warnings are passed on outside of it. An outage begins with the start of the
/// first call without an answer. A call that waits while other calls are answered is no outage: its connection was replaced.
/// </remarks>
internal sealed class ServerSilence(StorePlace place, PostgresStoreOptions options)
{
    private static readonly TimeSpan Forgotten = TimeSpan.FromSeconds(10);
    private static readonly TimeProvider Time = TimeProvider.System;

    private readonly Lock sync = new();
    private long answered = long.MinValue;           // the time of the last answer
    private long since;                              // the start of the first call without an answer; 0 if there is none
    private long last;                               // the last failure
    private int failed;                              // calls that have failed in this outage
    private bool isTold;
    private volatile bool isOpen;

    /// <summary>A call was answered.</summary>
    public void Answer()
    {
        Volatile.Write(ref answered, Time.GetTimestamp());
        if (Volatile.Read(ref since) == 0) return;
        string? text = null;
        lock (sync)
        {
            if (isTold) text = Over();
            (since, isTold, failed) = (0, false, 0);
        }
        if (text is not null) Tell(text);
    }

    /// <summary>A call was not answered, or not served.</summary>
    /// <param name="begun">When the call, or its last attempt, was sent.</param>
    /// <param name="failure">Why; null if it still waits.</param>
    public void Miss(long begun, Exception? failure)
    {
        if (begun < Volatile.Read(ref answered)) return;
        string? text = null;
        lock (sync)
        {
            long now = Time.GetTimestamp();
            // Between two failures nobody may have called.
            if (since == 0 || (!isTold && Time.GetElapsedTime(last, now) > Forgotten)) (since, failed) = (begun, 0);
            last = now;
            if (!isTold && Time.GetElapsedTime(since, now) >= options.NoticeAfter) (isTold, text) = (true, Begun(failure));
        }
        if (text is not null) Tell(text);
    }

    /// <summary>A call that was not answered is not sent again: its caller gets an error.</summary>
    public void Fail()
    {
        lock (sync)
            if (since != 0) failed++;
    }

    /// <summary>The store is open: from now on, its calls are what waits.</summary>
    public void Open()
    {
        Answer();
        isOpen = true;
    }

    private string Begun(Exception? failure)
    {
        string refusal = Failures.Words(failure);
        if (!isOpen)
            return (refusal == "" ? $"No PostgreSQL server answers at {place.Server} yet"
                : $"The PostgreSQL server at {place.Server} serves no calls yet ({refusal})")
                + (options.Timeout > options.NoticeAfter ? $"; trying for {Seconds(options.Timeout)}." : ".");
        return $"The PostgreSQL server at {place.Server} {(refusal == "" ? "has not answered" : $"has refused calls ({refusal})")} since "
            + $"{Clock()}. Calls that can be repeated wait for up to {Seconds(options.Timeout)} each (PostgresStoreOptions.Timeout); "
            + $"others fail. Is it running, and can it be reached?";
    }

    private string Over()
    {
        string after = Seconds(Time.GetElapsedTime(since));
        if (!isOpen) return $"The PostgreSQL server at {place.Server} answers now, after {after}.";
        string calls = failed == 0 ? "No caller has had an error so far."
            : string.Create(CultureInfo.InvariantCulture, $"Calls that have failed: {failed:N0}; their callers have the errors.");
        return $"The PostgreSQL server at {place.Server} answers again, {after} after the first call without an answer ({Clock()}). "
            + calls;
    }

    // Makes each outage a text of its own: standard error gets each text once.
    private string Clock() => (Time.GetUtcNow() - Time.GetElapsedTime(since)).ToString("HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:#,0.#} s");

    private void Tell(string text) => WarningHandlers.Tell(options.OnWarning, text);
}
