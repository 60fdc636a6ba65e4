namespace Sluice;

/// <summary>How the files of a directory are found (<see cref="Source.ResumableFiles"/>). Immutable.</summary>
public sealed record ResumableFilesOptions
{
    private readonly TimeSpan quiet = TimeSpan.FromSeconds(2);
    private readonly TimeSpan? poll;

    /// <summary>Which names: <c>*</c> and <c>?</c> as in a shell; all unless given. Names that begin with a dot are never taken.</summary>
    public string Pattern { get; init; } = "*";

    /// <summary>
    /// How long a file must have stayed the same, in length and time of its last write, before it is taken; zero or more, two seconds unless given. Zero takes
    /// files as they are found: for directories into which files are only moved.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan QuietDuration
    {
        get => quiet;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            quiet = value;
        }
    }

    /// <summary>How often it is looked for files that have come; more than zero. Null, unless given, ends when all that are there have been taken.</summary>
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
    /// Where the order in which files are taken is written down; <c>.NAME.taken</c> in the directory unless given, NAME being the producer's. It belongs to the
    /// position in the store: keep both, or neither.
    /// </summary>
    public string? Journal { get; init; }

    /// <summary>Gets warnings: a file that cannot be taken, each once in a run. Standard error unless given.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>The clock of the waiting.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
