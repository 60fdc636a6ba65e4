namespace Sluice.Diagnostics;

/// <summary>Selects dead letters (<see cref="StoreInspector.ListDeadLettersAsync"/>). All conditions must hold.</summary>
public sealed record DeadLetterFilter
{
    /// <summary>Only letters that failed in this node; null for all.</summary>
    public string? Node { get; init; }

    /// <summary>Only letters whose error contains this text, in any case; null for all.</summary>
    public string? Error { get; init; }

    /// <summary>Only letters that failed at this time or later, by the store's clock; null for all.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only letters that failed before this time, by the store's clock; null for all.</summary>
    public DateTimeOffset? Before { get; init; }

    // Whether it drops letters that the store returns.
    internal bool IsSelective => Error is not null || Since is not null || Before is not null;

    /// <summary>Whether a letter meets all conditions.</summary>
    public bool Matches(StoredDeadLetter letter)
    {
        ArgumentNullException.ThrowIfNull(letter);
        return (Node is null || letter.Node == Node)
            && (Error is null || letter.Error.Contains(Error, StringComparison.OrdinalIgnoreCase))
            && !(letter.DiedAt < Since) && !(letter.DiedAt >= Before);
    }
}
