namespace Sluice;

/// <summary>How log files are followed (<see cref="Source.ResumableLines{T}(string, string, Func{FileLine, T}, ResumableLinesOptions)"/>). Immutable.</summary>
public sealed record ResumableLinesOptions
{
    private readonly TimeSpan? poll;
    private readonly TimeSpan rotationWait = TimeSpan.FromSeconds(5);
    private readonly int maxLineLength = 1 << 20;

    /// <summary>How often the source looks for new lines and new files; more than zero. Null, unless given: the source ends at the end of the files.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less.</exception>
    public TimeSpan? PollInterval
    {
        get => poll;
        init
        {
            if (value is { } time) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(time, TimeSpan.Zero, nameof(value));
            poll = value;
        }
    }

    /// <summary>
    /// How long a rotated file must have stayed the same before the source reads the file that replaced it; zero or more, five seconds unless given. Programs write to a renamed file until they are told to reopen it.
    /// Without <see cref="PollInterval"/> the source does not wait.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan RotationTimeout
    {
        get => rotationWait;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            rotationWait = value;
        }
    }

    /// <summary>The longest line in bytes, 1 or more; 1,048,576 unless given. A longer line is a dead letter that has the beginning of the line, at most 64 KB.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1.</exception>
    public int MaxLineLength
    {
        get => maxLineLength;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            maxLineLength = value;
        }
    }

    /// <summary>
    /// Where the offsets of more than 64 files are written down; <c>.NAME.lines</c> in the directory before the first wildcard unless given, NAME being the producer's. A path without wildcards needs no journal.
    /// The journal belongs to the position in the store: keep both, or neither.
    /// </summary>
    public string? Journal { get; init; }

    /// <summary>Gets warnings: a file that cannot be read, lines that were cut off before they were read. Standard error unless given.</summary>
    public Action<string>? OnWarning { get; init; }
}
