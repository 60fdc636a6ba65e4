using System.Globalization;
using Sluice.Diagnostics;

namespace Sluice.Shared;

/// <summary>
/// Warns once when the server refuses appends, and once when it takes them again. Other calls may succeed meanwhile: a full memory or disk
/// refuses appends only, and so is no outage (<see cref="ServerSilence"/>).
/// </summary>
/// <remarks>Thread-safe. Locking rule: <c>sync</c> protects the refusals; warnings are passed on outside of it.</remarks>
internal sealed class AppendRefusals(WatchedServer server, TimeProvider time)
{
    // A memory that is nearly full takes some appends and refuses others.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);

    private readonly Lock sync = new();
    private long first, last;
    private int count;                               // zero if the server takes appends

    /// <summary>An append was refused.</summary>
    /// <param name="words">The words of the server.</param>
    public void Refuse(string words)
    {
        lock (sync)
        {
            last = time.GetTimestamp();
            if (count++ > 0) return;
            first = last;
        }
        Tell($"{The} has refused calls since {Clock()}; appends fail, and their callers have the errors: {words}");
    }

    /// <summary>An append was accepted.</summary>
    public void Accept()
    {
        if (Volatile.Read(ref count) == 0) return;
        string text;
        lock (sync)
        {
            if (count == 0 || time.GetElapsedTime(last) < Quiet) return;
            text = string.Create(CultureInfo.InvariantCulture, $"{The} takes appends again, "
                + $"{time.GetElapsedTime(first).TotalSeconds:#,0.#} s after the first refusal ({Clock()}). Appends that it has "
                + $"refused: {count:N0}.");
            count = 0;
        }
        Tell(text);
    }

    private string The => $"The {server.Product} server at {server.Place}";

    private string Clock() => (time.GetUtcNow() - time.GetElapsedTime(first)).ToString("HH:mm:ss 'UTC'",
        CultureInfo.InvariantCulture);

    private void Tell(string text) => WarningHandlers.Tell(server.OnWarning, text);
}
