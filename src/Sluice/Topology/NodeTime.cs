using System.Globalization;

namespace Sluice;

/// <summary>When a node ran, in a graph whose nodes run once.</summary>
/// <param name="Started">When it started, from the start of the run.</param>
/// <param name="Elapsed">How long it took, with all attempts and waits.</param>
/// <param name="Outcome">What became of it, such as <c>failed</c>; null if it did what it was to do.</param>
public readonly record struct NodeTime(TimeSpan Started, TimeSpan Elapsed, string? Outcome = null)
{
    /// <summary>When it ended, from the start of the run.</summary>
    public TimeSpan Ended => Started + Elapsed;

    /// <summary>For people: <c>1.5 s from 0.25 s</c>, with the outcome where there is something to say.</summary>
    public override string ToString() => $"{Text(Elapsed)} from {Text(Started)}{(Outcome is null ? "" : $", {Outcome}")}";

    // Three digits are enough for a picture.
    private static string Text(TimeSpan time) => time.TotalSeconds switch
    {
        0 => "0",
        < 0.001 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMicroseconds:0} µs"),
        < 0.1 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.0} ms"),
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms"),
        < 100 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s"),
        _ => time.ToString("g", CultureInfo.InvariantCulture),
    };
}
