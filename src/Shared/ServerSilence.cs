using System.Globalization;
using Sluice.Diagnostics;

namespace Sluice.Shared;

/// <summary>
/// Warns once when a store's server does not serve calls for a while, and once when it serves them again.
/// </summary>
/// <remarks>
/// Thread-safe. Locking rule: <c>sync</c> protects the outage; warnings are passed on outside of it. An outage begins with the start of the
/// first call without an answer. A call that waits while other calls are answered is no outage: its connection was replaced.
/// </remarks>
internal sealed class ServerSilence(WatchedServer server)
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

    /// <summary>The time of the last answer.</summary>
    public long Answered => Volatile.Read(ref answered);

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
            if (!isTold && Time.GetElapsedTime(since, now) >= (isOpen ? server.NoticeAfter : server.OpeningNoticeAfter))
                (isTold, text) = (true, Begun(failure));
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
        string refusal = server.Refusal(failure);
        if (!isOpen)
            return (refusal == "" ? $"{The} is not connected yet" : $"{The} serves no calls yet ({refusal})")
                + (server.Timeout > server.OpeningNoticeAfter ? $"; trying for {Seconds(server.Timeout)}." : ".");
        return $"{The} {(refusal == "" ? "has not answered" : $"has refused calls ({refusal})")} since {Clock()}. Calls that can be "
            + $"repeated wait for up to {Seconds(server.Timeout)} each ({server.TimeoutOption}); others fail. {server.Question}";
    }

    private string Over()
    {
        string after = Seconds(Time.GetElapsedTime(since));
        if (!isOpen) return $"{The} is connected now, after {after}.";
        string calls = failed == 0 ? "No caller has had an error so far."
            : string.Create(CultureInfo.InvariantCulture, $"Calls that have failed: {failed:N0}; their callers have the errors.");
        return $"{The} answers again, {after} after the first call without an answer ({Clock()}). {calls}";
    }

    private string The => $"The {server.Product} server at {server.Place}";

    // Makes each outage a text of its own: standard error gets each text once.
    private string Clock() => (Time.GetUtcNow() - Time.GetElapsedTime(since)).ToString("HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:#,0.#} s");

    private void Tell(string text) => WarningHandlers.Tell(server.OnWarning, text);
}

/// <summary>A store's server, and who receives the warnings about it.</summary>
/// <param name="Product">What it is, for example <c>Redis</c>.</param>
/// <param name="Place">Its address, without a password.</param>
internal sealed record WatchedServer(string Product, string Place)
{
    /// <summary>How long calls that can be repeated wait.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>The name of the option with this time.</summary>
    public required string TimeoutOption { get; init; }

    /// <summary>The time without an answer after which a warning says so.</summary>
    public required TimeSpan NoticeAfter { get; init; }

    /// <summary>The same while the store is opened. On a busy machine, a first connection may take a second or two.</summary>
    public required TimeSpan OpeningNoticeAfter { get; init; }

    /// <summary>Receives the warnings; null is the default of <see cref="WarningHandlers"/>.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>What to look at during an outage.</summary>
    public string Question { get; init; } = "Is it running, and can it be reached?";

    /// <summary>The words with which the server refused a call; empty if it did not answer.</summary>
    public required Func<Exception?, string> Refusal { get; init; }
}
