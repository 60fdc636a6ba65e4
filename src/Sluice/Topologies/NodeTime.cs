namespace Sluice.Topologies;

/// <summary>The time when a node ran, in a graph whose nodes run once.</summary>
/// <param name="Started">The start, relative to the start of the run.</param>
/// <param name="Elapsed">The duration, with all attempts and waits.</param>
/// <param name="Outcome">The outcome, such as <c>failed</c>; null for success.</param>
public readonly record struct NodeTime(TimeSpan Started, TimeSpan Elapsed, string? Outcome = null)
{
    /// <summary>The end, relative to the start of the run.</summary>
    public TimeSpan Ended => Started + Elapsed;

    /// <summary>Formats the time: <c>1.5 s from 0.25 s</c>, followed by the outcome if there is one.</summary>
    public override string ToString() => $"{Text(Elapsed)} from {Text(Started)}{(Outcome is null ? "" : $", {Outcome}")}";

    // Three digits are enough for a drawing.
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
