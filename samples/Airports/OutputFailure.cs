namespace Airports;

/// <summary>An output could not be written. Carries the item, because buffered rows can fail long after they were handed over.</summary>
internal sealed class OutputFailure(string message, PairDistance item, Exception cause) : Exception(message, cause)
{
    /// <summary>The item that was being written.</summary>
    public PairDistance Item { get; } = item;
}
