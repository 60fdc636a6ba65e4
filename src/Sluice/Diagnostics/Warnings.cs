using System.Buffers;
using System.Diagnostics.Tracing;

namespace Sluice.Diagnostics;

/// <summary>Reports warnings without a handler: to the event source <c>Sluice</c> and to standard error.</summary>
/// <remarks>
/// Thread-safe. Locking rule: <c>sync</c> protects the recent texts; the writer is called outside of it. Standard error gets each text
/// once, and at most twenty in a minute; the event source gets all.
/// </remarks>
internal sealed class Warnings(Func<TextWriter> output, TimeProvider time)
{
    private const int MaxInMinute = 20;
    private const int MaxRemembered = 1000;
    private static readonly SearchValues<char> Invisible = SearchValues.Create([
        .. Enumerable.Range(0, char.MaxValue + 1).Select(static code => (char)code).Where(static letter => char.IsControl(letter)
            || letter is (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069') or '\u2028' or '\u2029')]);

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly Warnings OfProcess = new(static () => Console.Error, TimeProvider.System);

    private readonly Lock sync = new();
    private readonly HashSet<string> written = new(StringComparer.Ordinal);
    private readonly Queue<string> order = new();
    private long? minuteBegan;
    private int inMinute;

    /// <summary>Reports a warning: a fact that causes no failure. Never throws.</summary>
    public static void Tell(string text)
    {
        text = Visible(text);
        WarningEvents.Instance.Warning(text);
        OfProcess.Write(text);
    }

    /// <summary>
    /// Replaces control characters and marks that turn the direction of text by their codes: warnings quote items and messages about them,
    /// and a terminal or a log would obey them, or show one warning as several.
    /// </summary>
    public static string Visible(string text)
    {
        if (!text.AsSpan().ContainsAny(Invisible)) return text;
        var visible = new StringBuilder(text.Length + 16);
        foreach (char letter in text)
            if (letter == '\n') visible.Append("\\n");
            else if (letter == '\r') visible.Append("\\r");
            else if (letter == '\t') visible.Append("\\t");
            else if (Invisible.Contains(letter)) visible.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
            else visible.Append(letter);
        return visible.ToString();
    }

    /// <summary>Passes a warning to a handler, or reports it if there is none or the handler throws. Never throws.</summary>
    /// <param name="warn">The handler; null for none.</param>
    /// <param name="text">The warning.</param>
    public static void Tell(Action<string>? warn, string text)
    {
        if (warn is null)
        {
            Tell(text);
            return;
        }
        try
        {
            warn(Visible(text));
        }
        catch (Exception e)
        {
            Tell($"{text} (The handler of warnings has thrown: {FailureText.MessageOf(e)})");
        }
    }

    /// <summary>Passes the details of a warning to a handler, or to the event source if there is none or the handler throws. Never
    /// throws.</summary>
    /// <param name="tell">The handler; null for none.</param>
    /// <param name="details">The details.</param>
    public static void TellDetails(Action<string>? tell, string details)
    {
        try
        {
            if (tell is null) WarningEvents.Instance.Details(details);
            else tell(details);
        }
        catch (Exception e)
        {
            WarningEvents.Instance.Details($"{details} (The handler of details has thrown: {FailureText.MessageOf(e)})");
        }
    }

    /// <summary>Writes a text that was not written recently. Never throws.</summary>
    public void Write(string text)
    {
        if (Choose(text) is not { } line) return;
        try
        {
            output().WriteLine(line);
        }
        catch (Exception)
        {
            // Standard error is closed; the event source has the text.
        }
    }

    /// <returns>The line to write; null for none.</returns>
    private string? Choose(string text)
    {
        lock (sync)
        {
            if (!written.Add(text)) return null;
            order.Enqueue(text);
            if (order.Count > MaxRemembered) written.Remove(order.Dequeue());
            long now = time.GetTimestamp();
            if (minuteBegan is not { } began || time.GetElapsedTime(began, now) >= Minute) (minuteBegan, inMinute) = (now, 0);
            return ++inMinute <= MaxInMinute ? $"sluice: warning: {text}"
                : inMinute == MaxInMinute + 1
                ? $"sluice: warning: More than {MaxInMinute} warnings in a minute. The event source \"Sluice\" has all of them, and so "
                + $"has a handler of your own (the OnWarning option)."
                : null;
        }
    }
}

/// <summary>Warnings as events for <c>dotnet-trace</c>, <c>dotnet-counters</c> or an <see cref="EventListener"/>.</summary>
[EventSource(Name = "Sluice")]
internal sealed class WarningEvents : EventSource
{
    public static WarningEvents Instance { get; } = new();

    [Event(1, Level = EventLevel.Warning, Message = "{0}")]
    public void Warning(string text) => WriteEvent(1, text);

    [Event(2, Level = EventLevel.Verbose, Message = "{0}")]
    public void Details(string text) => WriteEvent(2, text);
}
