using Sluice.Policies;

namespace Sluice;

/// <summary>
/// Options for following log files (<see cref="Source.ResumableLines{T}(string, string, Func{FileLine, T}, ResumableLinesOptions)"/>).
/// Immutable.
/// </summary>
public sealed record ResumableLinesOptions
{
    /// <summary>
    /// The time between two scans for new lines and files: 1 ms or more. Null unless given: the source then ends at the end of the files.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than one millisecond, or more than 49 days.</exception>
    public TimeSpan? PollInterval { get; init => field = OptionValue.Interval(value, nameof(ResumableLinesOptions)); }

    /// <summary>
    /// How long a rotated file must stay unchanged before the source reads the file that replaced it: zero or more; five seconds unless
    /// given. Programs write to a renamed file until they are told to reopen it. Without <see cref="PollInterval"/> the source does not
    /// wait.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public TimeSpan RotationTimeout
    {
        get;
        init => field = OptionValue.AtLeast(TimeSpan.Zero, value, nameof(ResumableLinesOptions));
    } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The longest line, in bytes: 1 to 1,000,000,000; 1,048,576 unless given. A longer line becomes a dead letter with the beginning of
    /// the line, at most 64 KB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1, or above 1,000,000,000.</exception>
    public int MaxLineLength
    {
        get;
        init => field = OptionValue.Between(1, 1_000_000_000, value, nameof(ResumableLinesOptions));
    } = 1 << 20;

    /// <summary>
    /// The path of the journal, which keeps the offsets of more than 64 files. Unless given: <c>.NAME.lines</c> in the directory before the
    /// first wildcard, with the producer's name. A path without wildcards needs no journal. Keep the journal together with the store: both,
    /// or neither. A run with another store keeps a journal that has offsets in a file beside it, <c>.NAME.lines.before</c>, and warns.
    /// </summary>
    public string? Journal { get; init; }

    /// <summary>
    /// Called with warnings: a file or directory that cannot be read, lines that were lost before they were read. Unless given: the event
    /// source <c>Sluice</c> and, each text once, standard error.
    /// </summary>
    public Action<string>? OnWarning { get; init => field = AsyncVoid.RefuseCallback(value, "ResumableLinesOptions.OnWarning"); }

    /// <summary>Called with each directory before it is listed; for tests.</summary>
    internal Action<string>? Listing { get; init; }
}
