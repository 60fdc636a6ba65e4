namespace Sluice.Tests.RandomGraphs;

internal enum SourceKind
{
    Enumerable,
    Async,
    Range,
    Uneven,
}

/// <summary>A source of a random graph and the steps behind it.</summary>
internal sealed record Flow(int Id, SourceKind Kind, int Count, int? Buffer, Pace Pace, Chain Chain)
{
    public string Name => $"source-{Id}";

    public IReadOnlyList<long> Values => Kind == SourceKind.Range
        ? [.. Enumerable.Range(0, Count).Select(n => (Id * 1_000_000L) + n)]
        : [.. Enumerable.Range(0, Count).Select(n => Mixing.Mix(Id, n))];

    public Source<long> Build(Rig rig)
    {
        Source<long> source = Kind switch
        {
            SourceKind.Range => Source.Range(Id * 1_000_000L, Count),
            SourceKind.Async or SourceKind.Uneven => Source.From(ProduceAsync(rig)),
            _ => Source.From(Values),
        };
        return Chain.Build(new Policy { Buffer = Buffer }.Annotate(source, Name), rig);
    }

    public Expected Expect(Oracle oracle, bool mayStop) => oracle.Under(mayStop, () =>
    {
        Expected items = oracle.Under(Chain.MayStop, () => Expected.Ordered(oracle.Source(Name, Values), Buffer ?? 0, Count));
        return Chain.Expect(items, oracle);
    });

    public IEnumerable<Flow> Simpler()
    {
        if (Count > 1) yield return this with { Count = Count / 2 };
        if (Count > 0) yield return this with { Count = Count - 1 };
        foreach (Chain simpler in Chain.Simpler()) yield return this with { Chain = simpler };
        if (Buffer is not null) yield return this with { Buffer = null };
        if (Kind != SourceKind.Enumerable) yield return this with { Kind = SourceKind.Enumerable };
    }

    public IEnumerable<string> Lines()
        => [$"{Name} {Kind}({Count}){(Kind is SourceKind.Async or SourceKind.Uneven ? $" {Pace}" : "")}{new Policy { Buffer = Buffer }}",
        .. Chain.Lines()];

    /// <summary>A pause in milliseconds: often none, sometimes long.</summary>
    private int Pause(long value) => Mixing.Roll(value, Id, 8) switch
    {
        < 4 => 0,
        < 7 => 1 + Mixing.Roll(value, ~Id, 10),
        _ => 1 + Mixing.Roll(value, ~Id, 60),
    };

    private async IAsyncEnumerable<long> ProduceAsync(
        Rig rig, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
    {
        foreach (long value in Values)
        {
            await rig.PauseAsync(Pace, cancellation);
            if (Kind == SourceKind.Uneven && Pause(value) is > 0 and var pause) await rig.SleepAsync(pause, cancellation);
            yield return value;
        }
    }
}
