namespace Sluice.Storage;

/// <summary>The position where a new group or reader begins.</summary>
public enum StreamStart
{
    /// <summary>The first entry that is still in the store.</summary>
    First,

    /// <summary>The end: only entries appended later.</summary>
    New,
}
