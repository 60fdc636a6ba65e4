namespace Sluice;

/// <summary>An item that failed for good at a stage annotated with <c>Stage.OnError(OnError.DeadLetter)</c>.</summary>
/// <param name="Node">Where it failed.</param>
/// <param name="Item">The item, as it entered that node.</param>
/// <param name="Error">What was thrown at the last attempt.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="At">When it was given up, by the run's clock.</param>
public sealed record DeadLetter(string Node, object? Item, Exception Error, int Attempts, DateTimeOffset At)
{
    /// <summary>For example <c>ATL failed in Geocode after 4 attempts: no such address</c>.</summary>
    public override string ToString() => $"{Item} failed in {Node} after {Attempts} attempt{(Attempts == 1 ? "" : "s")}: {Error.Message}";
}
