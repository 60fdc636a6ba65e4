namespace Sluice;

/// <summary>A body of a step while it runs, in the flow of execution that it started.</summary>
internal interface IBody
{
    ICall Call { get; }

    /// <summary>Its places; null where there is no limit.</summary>
    LimitPermit? Seat { get; }
}
