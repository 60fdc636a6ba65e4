using System.Collections;

namespace Airports;

/// <summary>An airport, and some of those it is to be paired with.</summary>
public readonly record struct Origin(Airport Airport, ArraySegment<Airport> Partners)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Airport} and {Partners.Count} others";
}

/// <summary>The numbers of an airport, and of some of those it is to be paired with, among the selected ones: what goes to a worker
/// process, which has read the same gazetteer.</summary>
/// <param name="From">The airport.</param>
/// <param name="First">The first of its partners.</param>
/// <param name="Count">How many there are.</param>
public readonly record struct Slice(int From, int First, int Count);

/// <summary>Two airports.</summary>
public readonly record struct Pair(Airport From, Airport To)
{
    /// <inheritdoc/>
    public override string ToString() => $"{From} -> {To}";
}

/// <summary>The pairs of an origin. By hand, because an iterator would store each pair in an object before it hands it out.</summary>
internal sealed class PairsOf(Origin origin) : IEnumerable<Pair>, IEnumerator<Pair>
{
    private readonly Airport from = origin.Airport;
    private readonly Airport[] airports = origin.Partners.Array!;
    private readonly int end = origin.Partners.Offset + origin.Partners.Count;
    private int at = origin.Partners.Offset - 1;
    private bool isUsed;

    public Pair Current => new(from, airports[at]);

    object IEnumerator.Current => Current;

    public bool MoveNext() => ++at < end;

    // The first one to ask needs no copy: as a rule there is no other.
    public IEnumerator<Pair> GetEnumerator() => Interlocked.Exchange(ref isUsed, true) ? new PairsOf(origin) : this;

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Reset() => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
