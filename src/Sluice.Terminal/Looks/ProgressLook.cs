namespace Sluice.Progress.Looks;

/// <summary>The progress of something at one moment.</summary>
/// <param name="Title">Its name.</param>
/// <param name="Status">What it does, in a word.</param>
/// <param name="Done">The number of items that are done.</param>
/// <param name="Total">The number of items that are to be done; null if it is unknown.</param>
/// <param name="Unit">The word for items.</param>
/// <param name="Elapsed">The time since its start.</param>
internal sealed record ProgressLook(string Title, string Status, long Done, long? Total, string Unit, TimeSpan Elapsed)
{
    public IReadOnlyList<ProgressRow> Rows { get; init; } = [];

    /// <summary>The row or thing that limits the rate; null if none is known.</summary>
    public string? Bottleneck { get; init; }

    /// <summary>A sentence on what goes wrong; null if nothing does.</summary>
    public string? Problem { get; init; }

    public bool IsOver { get; init; }

    /// <summary>How many of the items were done before its start.</summary>
    public long DoneBefore { get; init; }

    /// <summary>The part of the time since its start in which nothing was counted as done.</summary>
    public TimeSpan ElapsedBefore { get; init; }

    /// <summary>Whether the time that is left follows from the rate.</summary>
    public bool HasEstimate { get; init; } = true;
}

/// <summary>The progress of a part: of a node, a step or a processor.</summary>
internal sealed record ProgressRow(string Name, long Done, long Waiting, long Failed, string State);

/// <summary>Something that is looked at again and again.</summary>
internal interface IProgressSource
{
    /// <summary>The least time between two looks.</summary>
    TimeSpan MinInterval { get; }

    /// <summary>Looks at it. Calls do not overlap.</summary>
    ValueTask<ProgressLook> LookAsync(CancellationToken cancellation);
}
